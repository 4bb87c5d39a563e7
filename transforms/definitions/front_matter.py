"""What stands above a template file, between two lines `---`: subject, preheader, from, reply-to, attachments."""

from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from transforms.definitions.base import Definition, Flag, refusal
from transforms.definitions.variants import Template


def _within(name: str) -> str:
    odd = any(not part.strip() or part.startswith(".") for part in name.split("/"))
    if odd or "\\" in name or not name.isprintable():
        raise refusal(
            f"given {name!r}; allowed: the name of a file in the templates folder, such as terms.pdf"
        )
    return name


class FrontMatter(Definition):
    """What a template says of its message besides the body.

    Attributes:
        subject: the subject line, unless the workflow's step has one.
        preheader: what mail programs show beside the subject.
        sender: the From address, `Shop <news@shop.example>`; its name may hold placeholders.
        reply_to: where answers go, likewise.
        attachments: files of the templates folder.
        inline_css: whether the rules of `<style>` go into the elements they are for.
    """

    subject: Template | None = None
    preheader: Template | None = None
    sender: Template | None = Field(default=None, validation_alias=AliasChoices("from", "sender"))
    reply_to: Template | None = Field(default=None, validation_alias=AliasChoices("reply_to", "reply-to"))
    attachments: tuple[Annotated[str, AfterValidator(_within)], ...] = ()
    inline_css: Flag | None = None
