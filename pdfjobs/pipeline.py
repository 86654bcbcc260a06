"""The processing of a PDF catalogue: load, read, draw, embed, detect, write, a page at a time."""

from jobtracker.pipelines import SAME_STATUS, Detail, Pipeline, Stage
from jobtracker.states import JobType
from pdfjobs.models import PdfDocument


class PdfPipeline(Pipeline):
    """The pages are the items; each stage takes the pages that it has not finished."""

    job_type = JobType.PDF
    label = "PDF"
    noun = "pages"
    icon = "file-text"
    stages = (
        Stage("pdf_loaded", "Load PDF", 2, "pages"),
        Stage("text_extracted", "Read text", 8, "pages"),
        Stage("tables_extracted", "Read tables", 30, "pages"),
        Stage("images_extracted", "Extract images", 12, "pages"),
        Stage("tiles_generated", "Draw pages", 15, "pages"),
        Stage("chunks_created", "Cut chunks", 3, "pages"),
        Stage("embeddings_created", "Embed chunks", 20, "texts"),
        Stage("materials_detected", "Detect products", 5, "pages"),
        Stage("materials_extracted", "Write materials", 5, "pages"),
    )
    detail = Detail(
        PdfDocument,
        SAME_STATUS
        | {
            "total_pages": "b.total_items",
            "processed_pages": "b.done_items + b.skipped_items",
            "failed_pages": "b.failed_items",
        },
    )
