from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pdfjobs', '0002_notify'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='pdfdocument',
            index=models.Index(condition=models.Q(('source_file', ''), _negated=True), fields=['source_file'], name='pdf_by_source_file'),
        ),
    ]
