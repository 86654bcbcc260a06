"""The addresses of the materials, each page with and without a final slash."""

from django.urls import path, re_path

from jobtracker.catalogue.pages import acts, views

ROOT = "admin/materials"
ONE = rf"^{ROOT}/(?P<material_id>\d{{1,18}})"

urlpatterns = [
    re_path(rf"^{ROOT}/?$", views.materials, name="materials"),
    path(f"{ROOT}/export", views.export_found, name="materials-export"),
    re_path(rf"^{ROOT}/review/?$", views.review, name="materials-review"),
    re_path(rf"^{ROOT}/doubles/?$", views.doubles, name="materials-doubles"),
    re_path(rf"{ONE}/?$", views.material, name="material"),
    re_path(rf"{ONE}/edit/?$", acts.edit, name="material-edit"),
    re_path(rf"{ONE}/give-back$", acts.give_back, name="material-give-back"),
    re_path(rf"{ONE}/accept$", acts.accept, name="material-accept"),
    re_path(rf"{ONE}/reject$", acts.reject, name="material-reject"),
    re_path(rf"{ONE}/restore$", acts.restore, name="material-restore"),
    re_path(rf"{ONE}/merge$", acts.merge, name="material-merge"),
    path(f"{ROOT}/merges/<int:merge_id>/undo", acts.unmerge, name="material-unmerge"),
    path(f"{ROOT}/undo/<uuid:job_id>", acts.undo_job, name="job-undo"),
]
