"""The three groups hold what the code says, whatever was done to them before."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from jobtracker import access
from jobtracker.access import roles, sync_roles

pytestmark = pytest.mark.django_db

ACTS = {
    "catalogue.add_supplier",
    "catalogue.change_material",
    "catalogue.change_supplier",
    "imports.add_dataimportjob",
    "imports.change_mappingtemplate",
    "imports.delete_feedlogin",
    "jobtracker.change_backgroundjob",
    "jobtracker.add_jobschedule",
    "jobtracker.change_jobqueue",
    "jobtracker.change_jobschedule",
    "jobtracker.delete_jobschedule",
    "jobtracker.operate_jobs",
    "pdfjobs.add_pdfdocument",
    "scraping.add_scrapingsession",
}
TABLES = {
    "catalogue.cataloguesource",
    "catalogue.material",
    "catalogue.materialmerge",
    "catalogue.materialsource",
    "catalogue.materialversion",
    "catalogue.supplier",
    "catalogue.suppliercoverage",
    "images.imagefetch",
    "images.storedimage",
    "imports.dataimportjob",
    "imports.feedlogin",
    "imports.importrow",
    "imports.mappingtemplate",
    "jobtracker.attemptsession",
    "jobtracker.auditentry",
    "jobtracker.backgroundjob",
    "jobtracker.filetoremove",
    "jobtracker.jobattempt",
    "jobtracker.jobcheckpoint",
    "jobtracker.jobevent",
    "jobtracker.jobmetricshour",
    "jobtracker.jobqueue",
    "jobtracker.jobschedule",
    "jobtracker.worker",
    "outgoing.outgoinghost",
    "pdfjobs.pdfchunk",
    "pdfjobs.pdfdocument",
    "pdfjobs.pdfembedding",
    "pdfjobs.pdfimage",
    "pdfjobs.pdfpage",
    "pdfjobs.pdfrow",
    "scraping.scrapingpage",
    "scraping.scrapingrow",
    "scraping.scrapingsession",
    "webhooks.webhookcall",
}


def held(name: str) -> set[str]:
    pairs = Group.objects.get(name=name).permissions.values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{codename}" for app, codename in pairs}


def test_what_each_role_holds():
    sync_roles()
    views = {label.replace(".", ".view_") for label in TABLES}
    assert held("Viewers") == views
    assert held("Operators") == views | ACTS
    assert len(held("Administrators")) == Permission.objects.count()


def test_a_second_sync_changes_nothing():
    sync_roles()
    before = list(Group.permissions.through.objects.order_by("id").values_list())
    sync_roles()
    assert list(Group.permissions.through.objects.order_by("id").values_list()) == before


def test_what_the_code_takes_away_or_never_gave_goes(monkeypatch):
    sync_roles()
    Group.objects.get(name="Viewers").permissions.add(
        Permission.objects.get(codename="operate_jobs")
    )
    monkeypatch.setattr(access, "ACTS", access.ACTS - {("catalogue", "add_supplier")})
    sync_roles()
    assert "jobtracker.operate_jobs" not in held("Viewers")
    assert held("Operators") & ACTS == ACTS - {"catalogue.add_supplier"}


def test_a_migration_makes_the_groups():
    Group.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert {group.name for group in Group.objects.all()} == set(roles())
