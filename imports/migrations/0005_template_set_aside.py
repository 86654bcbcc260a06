from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0004_feed_login'),
    ]

    operations = [
        migrations.AddField(
            model_name='mappingtemplate',
            name='retired_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='set aside'),
        ),
    ]
