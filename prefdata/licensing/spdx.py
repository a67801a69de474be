"""The account as an SPDX 3.0.1 document: data packages, their licenses, what they came from.

Plain JSON-LD; the tests read it back with SPDX's own model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
NO_ASSERTION = "expandedlicensing_NoAssertionLicense"
# A release without a date of its own still needs one here: SPDX demands it.
NO_DATE = "1970-01-01"
_CREATION = "_:creation"
_UNKNOWN_PLACE = "https://huggingface.co/datasets"


def document(audit: Mapping[str, Any], files: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """Return the document.

    Args:
        audit: the account.
        files: (config, path in the release, SHA-256) of every data file.
    """
    return {"@context": CONTEXT, "@graph": list(_Graph(audit, files).elements())}


class _Graph:
    """Collects the elements; ids are derived from the content, so that they are stable."""

    def __init__(self, audit: Mapping[str, Any], files: Sequence[tuple[str, str, str]]) -> None:
        self.audit = audit
        self.files = files
        self.base = f"https://spdx.org/spdxdocs/prefdata-{audit['merkle_root'][:32]}"
        self.created = f"{audit['released'] or NO_DATE}T00:00:00Z"
        self.agent = f"{self.base}/agent/prefdata"

    def elements(self) -> Iterator[dict[str, Any]]:
        yield {
            "type": "CreationInfo",
            "@id": _CREATION,
            "specVersion": "3.0.1",
            "created": self.created,
            "createdBy": [self.agent],
        }
        yield self.element("SoftwareAgent", "agent/prefdata", name="prefdata")
        configs = sorted({config for config, _, _ in self.files})
        made = [f"{self.base}/data/{config}" for config in configs]
        yield self.element(
            "SpdxDocument",
            "document",
            name=f"license audit of {self.audit['pipeline']}",
            comment=self.audit["disclaimer"],
            profileConformance=["core", "dataset", "ai", "software", "simpleLicensing"],
            rootElement=made or [self.agent],
        )
        yield from self.licenses()
        for config in configs:
            yield from self.config(config)
        for source in self.audit["sources"]:
            yield from self.source(source, made)
        for generator in self.audit["generators"]:
            yield from self.generator(generator, made)

    def element(self, kind: str, path: str, **fields: Any) -> dict[str, Any]:
        return {
            "type": kind, "spdxId": f"{self.base}/{path}", "creationInfo": _CREATION, **fields,
        }  # fmt: skip

    def relation(self, start: str, kind: str, ends: Sequence[str]) -> dict[str, Any]:
        digest = sha256("\0".join([start, kind, *ends]).encode()).hexdigest()[:16]
        fields = {"from": start, "relationshipType": kind, "to": list(ends)}
        return self.element("Relationship", f"relation/{digest}", **fields)

    def license_id(self, expression: str) -> str:
        """Return the element of an expression; upstream that discloses none has NoAssertion."""
        if not expression:
            return NO_ASSERTION
        return f"{self.base}/license/{sha256(expression.encode()).hexdigest()[:16]}"

    def licenses(self) -> Iterator[dict[str, Any]]:
        stated = {self.audit["license"]["expression"], *self.declared().values()}
        stated |= {source["license"] for source in self.audit["sources"]}
        for expression in sorted(stated - {""}):
            path = self.license_id(expression).removeprefix(f"{self.base}/")
            fields = {"simplelicensing_licenseExpression": expression}
            yield self.element("simplelicensing_LicenseExpression", path, **fields)

    def declared(self) -> dict[str, str]:
        """Return what each source's own evidence declares, before any rule is applied."""
        found: dict[str, set[str]] = {}
        for item in self.audit["evidence"]:
            found.setdefault(item["artifact"], set()).add(item["license"])
        return {name: " AND ".join(sorted(ids - {""})) for name, ids in found.items()}

    def package(self, path: str, name: str, place: str, who: str, use: str) -> dict[str, Any]:
        return self.element(
            "dataset_DatasetPackage",
            path,
            name=name,
            dataset_datasetType=["text"],
            dataset_intendedUse=use or "not stated",
            builtTime=self.created,
            releaseTime=self.created,
            originatedBy=[who],
            software_downloadLocation=place,
            software_primaryPurpose="data",
        )

    def licensed(self, start: str, declared: str, concluded: str) -> Iterator[dict[str, Any]]:
        yield self.relation(start, "hasDeclaredLicense", [self.license_id(declared)])
        yield self.relation(start, "hasConcludedLicense", [self.license_id(concluded)])

    def config(self, config: str) -> Iterator[dict[str, Any]]:
        expression = self.audit["license"]["expression"]
        own = f"{self.base}/data/{config}"
        yield self.package(f"data/{config}", config, _UNKNOWN_PLACE, self.agent, "preference data")
        yield from self.licensed(own, expression, expression)
        paths = []
        for _, path, digest in (file for file in self.files if file[0] == config):
            hashed = {"type": "Hash", "algorithm": "sha256", "hashValue": digest}
            yield self.element("software_File", f"file/{path}", name=path, verifiedUsing=[hashed])
            paths.append(f"{self.base}/file/{path}")
        yield self.relation(own, "contains", paths)

    def source(self, source: Mapping[str, Any], made: Sequence[str]) -> Iterator[dict[str, Any]]:
        slug = source["id"].replace("/", "--").replace(" ", "_")
        maker = f"{self.base}/agent/{slug}"
        own = f"{self.base}/source/{slug}"
        yield self.element("Agent", f"agent/{slug}", name=source["creator"] or "not stated")
        yield self.package(
            f"source/{slug}",
            source["id"],
            source["url"] or _UNKNOWN_PLACE,
            maker,
            source["intended_use"],
        )
        yield from self.licensed(own, self.declared().get(source["id"], ""), source["license"])
        for config in made:
            yield self.relation(config, "descendantOf", [own])

    def generator(
        self, generator: Mapping[str, Any], made: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        slug = generator["artifact"].replace("/", "--").replace(" ", "_")
        rules = ", ".join(generator["output_rules"])
        yield self.element(
            "ai_AIPackage",
            f"model/{slug}",
            name=generator["artifact"],
            comment=f"as {', '.join(generator['roles'])}; rule on outputs: {rules}",
            releaseTime=self.created,
            suppliedBy=self.agent,
            software_packageVersion="as in the lineage",
            software_downloadLocation=f"https://huggingface.co/{generator['artifact']}",
            software_primaryPurpose="model",
        )
        if made:
            yield self.relation(f"{self.base}/model/{slug}", "generates", made)
