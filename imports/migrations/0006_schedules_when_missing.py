from django.db import migrations

# A box that was ticked is one of two choices now.
CHOSEN = """
UPDATE job_schedules SET spec = spec || '{"missing": "deactivate"}'
WHERE job_type = 'xml_import' AND spec->'missing' = 'true'
"""
TICKED = """
UPDATE job_schedules SET spec = spec - 'missing'
    || CASE WHEN spec->>'missing' = 'deactivate' THEN '{"missing": true}'::jsonb ELSE '{}' END
WHERE job_type = 'xml_import' AND spec ? 'missing'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0005_template_set_aside'),
        ('jobtracker', '0003_schedules_and_metrics'),
    ]

    operations = [migrations.RunSQL(CHOSEN, TICKED)]
