from django.db import migrations

TRIGGERS = """
CREATE TRIGGER pdf_documents_inserted AFTER INSERT ON pdf_documents REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('background_job_id');
CREATE TRIGGER pdf_documents_updated AFTER UPDATE ON pdf_documents REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('background_job_id');
"""
DROP = "DROP TRIGGER pdf_documents_inserted ON pdf_documents; DROP TRIGGER pdf_documents_updated ON pdf_documents"


class Migration(migrations.Migration):
    dependencies = [("pdfjobs", "0001_initial"), ("jobtracker", "0002_claim_and_notify")]
    operations = [migrations.RunSQL(TRIGGERS, DROP)]
