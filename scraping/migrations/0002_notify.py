from django.db import migrations

TRIGGERS = """
CREATE TRIGGER scraping_sessions_inserted AFTER INSERT ON scraping_sessions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('background_job_id');
CREATE TRIGGER scraping_sessions_updated AFTER UPDATE ON scraping_sessions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('background_job_id');
"""
DROP = "DROP TRIGGER scraping_sessions_inserted ON scraping_sessions; DROP TRIGGER scraping_sessions_updated ON scraping_sessions"


class Migration(migrations.Migration):
    dependencies = [("scraping", "0001_initial"), ("jobtracker", "0002_claim_and_notify")]
    operations = [migrations.RunSQL(TRIGGERS, DROP)]
