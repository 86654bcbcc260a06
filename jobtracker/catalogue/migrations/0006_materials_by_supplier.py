from django.db import migrations, models


class Migration(migrations.Migration):
    """With the id as well: the newest of a supplier that has much are found without sorting."""

    dependencies = [
        ('catalogue', '0005_supplier_coverage'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='material',
            name='materials_supplier',
        ),
        migrations.AddIndex(
            model_name='material',
            index=models.Index(fields=['supplier', 'id'], name='materials_by_supplier'),
        ),
    ]
