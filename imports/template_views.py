"""The pages of the template library: the list, one template, its mapping to edit, its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode

from imports import template_library as library
from imports.mapping import Mapping, MappingError
from imports.mapping_choice import shape_of_fields
from imports.mapping_lines import LABELS, SPECIAL, mapping_of
from imports.models import MappingTemplate
from imports.template_changes import transform_words
from imports.template_forms import (
    FileForm,
    NameForm,
    NewForm,
    TemplateForm,
    form_of,
    mapping_in_text,
    text_of,
)
from imports.template_matches import near_matches
from jobtracker import redirects
from jobtracker.access import operator_required, staff_required
from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob, User
from jobtracker.monitor import rows

SEE = "imports.view_mappingtemplate"
CHANGE = "imports.change_mappingtemplate"
PAGE = 50
RUNS = 25
VERSIONS = 30
TEXT_CHARS = 120


@staff_required(SEE)
def templates(request: HttpRequest) -> HttpResponse:
    """Show the templates, a page at a time, and the feeds that one of them nearly fits."""
    state = request.GET.get("state", "")
    state = state if state in library.STATES else ""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:TEXT_CHARS]
    supplier = _supplier(request.GET.get("supplier", ""))
    found = library.newest(text, supplier.pk if supplier else None)
    tabs = [
        (label, word, found.filter(condition).count())
        for word, (label, condition) in library.STATES.items()
    ]
    page = Paginator(found.filter(library.STATES[state][1]), PAGE).get_page(request.GET.get("page"))
    wanted = {"q": text, "supplier": supplier.pk if supplier else "", "state": state}
    context = {
        **_frame(request, "Mapping templates"),
        "page": page,
        "lines": library.lines(list(page.object_list)),
        "tabs": tabs,
        "state": state,
        "text": text,
        "supplier": supplier,
        "narrowed": bool(text or supplier),
        "kept": urlencode({k: v for k, v in wanted.items() if v and k != "state"}),
        "query": urlencode({k: v for k, v in wanted.items() if v}),
        "near": near_matches(),
    }
    return render(request, "imports/templates.html", context)


@staff_required(SEE)
def template(request: HttpRequest, template_id: str) -> HttpResponse:
    """Show one template: what it says, its versions, and the imports that obeyed it."""
    found = _found(template_id)
    newest = library.newest_of(found)
    [line] = library.lines([newest])
    ids = list(library.imports(newest).values_list("background_job_id", flat=True)[:RUNS])
    jobs = BackgroundJob.objects.filter(pk__in=ids).order_by("-pk")
    context = {
        **_frame(request, newest.name),
        "found": newest,
        "line": line,
        "fields": _field_lines(newest),
        "defaults": newest.mapping.get("defaults", {}),
        "versions": library.versions(newest, VERSIONS),
        "older": max(0, newest.version - VERSIONS),
        "history": rows.read(jobs),
        "limit": RUNS,
    }
    return render(request, "imports/template.html", context)


@staff_required(CHANGE)
def edit(request: HttpRequest, template_id: str) -> HttpResponse:
    """Show the newest version's mapping as a form, and save what was changed as the next one. A
    button for a step, or a script that asks for a line, gets the form as it was left."""
    newest = library.newest_of(_found(template_id))
    posted = request.POST if request.method == "POST" else None
    form = None if posted and "text" in posted else form_of(newest, posted)
    wrong = ""
    if posted is not None and "save" in posted:
        try:
            mapping = _edited(form, posted)
            after = _number(posted.get("after", ""), newest.version)
            made = library.add_version(newest, mapping, cast(User, request.user), after=after)
            return _saved(request, newest, made)
        except (MappingError, library.Refused) as error:
            wrong = str(error)
    context = {
        **_frame(request, f"Edit {newest.name}"),
        "found": newest,
        "form": form,
        "mapping_page": form and form.page,
        "mapping_url": reverse("import-template-edit", args=[newest.pk]),
        "waiting": True,  # as the lines of the mapping page call a form that can be filled in
        "text": (posted and posted.get("text")) or text_of(newest),
        "wrong": wrong,
        "after": posted.get("after", "") if posted else newest.version,
    }
    asked = request.headers.get("HX-Target", "").rpartition("-")[2]
    if form and (line := form.page.line(asked)):
        return render(request, "imports/field.html", context | {"line": line})
    return render(request, "imports/template_edit.html", context, status=400 if wrong else 200)


def _edited(form: TemplateForm | None, posted: QueryDict) -> Mapping:
    """Return the mapping that was filled in. Raises `MappingError` and `library.Refused`."""
    if form:
        return mapping_of(form.page)
    if "text" not in posted:
        raise library.Refused("The run whose feed the form showed is not kept any more.")
    return mapping_in_text(posted.get("text", ""))


@staff_required(CHANGE)
def new(request: HttpRequest) -> HttpResponse:
    """Take a new template from a file."""
    form = NewForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        supplier, _ = Supplier.objects.get_or_create(name=data["supplier"])
        try:
            made = library.add(
                supplier,
                data["name"],
                form.mapping,
                shape=shape_of_fields(form.sources, price_only=data["price_only"]),
                record_path=form.record_path,
                user=cast(User, request.user),
            )
        except library.Refused as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"Kept {made.name}.")
            return HttpResponseRedirect(reverse("import-template", args=[made.pk]))
    context = {**_frame(request, "New template"), "form": form}
    return render(
        request, "imports/template_new.html", context, status=400 if form.is_bound else 200
    )


@operator_required(CHANGE)
def upload(request: HttpRequest, template_id: str) -> HttpResponse:
    """Take the next version from a file."""
    newest = library.newest_of(_found(template_id))
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, f"Not kept. {_said(form)}")
        return _back(request, newest)
    return _kept(request, newest, form.mapping.to_json())


@operator_required(CHANGE)
def use_again(request: HttpRequest, template_id: str) -> HttpResponse:
    """Make the newest version of what an older one says."""
    older = _found(template_id)
    return _kept(request, older, older.mapping)


@operator_required(CHANGE)
def rename(request: HttpRequest, template_id: str) -> HttpResponse:
    """Give a template another name."""
    found = _found(template_id)
    form = NameForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Not renamed. {_said(form)}")
        return _back(request, found)
    name = form.cleaned_data["name"]
    try:
        if name != found.name:
            library.rename(found, name, cast(User, request.user))
            messages.success(request, f"Renamed to {name}; schedules that name it follow.")
    except library.Refused as error:
        messages.error(request, str(error))
    return _back(request, found)


@operator_required(CHANGE)
def set_aside(request: HttpRequest, template_id: str) -> HttpResponse:
    """Let no later import obey a template."""
    done = "Set aside: no later import obeys it."
    return _acted(request, template_id, library.set_aside, done)


@operator_required(CHANGE)
def take_back(request: HttpRequest, template_id: str) -> HttpResponse:
    """Let imports obey a template again."""
    return _acted(request, template_id, library.take_back, "In use again.")


@staff_required(SEE)
def download(request: HttpRequest, template_id: str) -> HttpResponse:
    """Hand out a version as a file that `import_feed --mapping` takes."""
    found = _found(template_id)
    name = f"{found.name.replace('/', '_')}.v{found.version}.json"
    return HttpResponse(
        json.dumps(library.as_json(found), ensure_ascii=False, indent=2) + "\n",
        content_type="application/json",
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=name),
            "X-Content-Type-Options": "nosniff",
        },
    )


def _acted(
    request: HttpRequest,
    template_id: str,
    act: Callable[[MappingTemplate, User], bool],
    done: str,
) -> HttpResponse:
    found = _found(template_id)
    if act(found, cast(User, request.user)):
        messages.success(request, done)
    else:
        messages.warning(request, "Someone else had done that.")
    return _back(request, found)


def _kept(request: HttpRequest, base: MappingTemplate, mapping: dict[str, Any]) -> HttpResponse:
    """Make the newest version of a mapping, or say why it cannot be."""
    try:
        made = library.add_version(base, Mapping.from_json(mapping), cast(User, request.user))
    except MappingError as error:
        messages.error(request, f"Not kept. {error}")
        return _back(request, base)
    return _saved(request, base, made)


def _saved(
    request: HttpRequest, base: MappingTemplate, made: MappingTemplate | None
) -> HttpResponse:
    if made is None:
        messages.info(request, "The newest version says the same already; nothing was saved.")
        return HttpResponseRedirect(reverse("import-template", args=[base.pk]))
    messages.success(request, f"Saved as version {made.version}.")
    return HttpResponseRedirect(reverse("import-template", args=[made.pk]))


def _said(form: Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def _back(request: HttpRequest, found: MappingTemplate) -> HttpResponse:
    page = reverse("import-template", args=[found.pk])
    return HttpResponseRedirect(redirects.own(request, request.POST.get("next", ""), page))


def _field_lines(template: MappingTemplate) -> list[dict[str, Any]]:
    """Return what each field of a mapping feeds, in words."""
    labels = LABELS | SPECIAL
    return [
        {
            "source": each["source"],
            "target": labels.get(each["target"], each["target"].removeprefix("attribute.")),
            "is_attribute": each["target"] not in labels,
            "how": transform_words(each.get("transform")),
        }
        for each in template.mapping["fields"]
    ]


def _frame(request: HttpRequest, title: str) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": title,
        "tab_title": title,
        "may_change": request.user.has_perm(CHANGE),
    }


def _found(template_id: str) -> MappingTemplate:
    found = MappingTemplate.objects.select_related("supplier").filter(pk=template_id).first()
    if found is None:
        raise Http404("There is no such template.")
    return found


def _supplier(text: str) -> Supplier | None:
    number = _number(text, 0)
    return Supplier.objects.filter(pk=number).first() if number else None


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else otherwise
