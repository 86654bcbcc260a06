from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0002_notify'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='dataimportjob',
            index=models.Index(condition=models.Q(('source_file', ''), _negated=True), fields=['source_file'], name='import_by_source_file'),
        ),
    ]
