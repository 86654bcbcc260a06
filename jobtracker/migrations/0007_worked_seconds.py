from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobtracker", "0006_claim_by_array"),
    ]

    operations = [
        migrations.AlterField(
            model_name="jobmetricshour",
            name="seconds",
            field=models.FloatField(
                default=0,
                help_text="Seconds that the attempts of the completed jobs worked, summed.",
            ),
        ),
    ]
