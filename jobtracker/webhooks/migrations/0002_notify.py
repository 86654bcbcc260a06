from django.db import migrations

TRIGGERS = """
CREATE TRIGGER webhook_calls_inserted AFTER INSERT ON webhook_calls REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('job_id');
CREATE TRIGGER webhook_calls_updated AFTER UPDATE ON webhook_calls REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('job_id');
"""
DROP = "DROP TRIGGER webhook_calls_inserted ON webhook_calls; DROP TRIGGER webhook_calls_updated ON webhook_calls"


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("jobtracker", "0002_claim_and_notify")]
    operations = [migrations.RunSQL(TRIGGERS, DROP)]
