"""Croissant 1.1: what the release is, for machines that look for data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from prefdata.publish.head import cite_as, schema_of

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "prov": "http://www.w3.org/ns/prov#",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
# The metadata itself (not the data that it is about).
METADATA_LICENSE = "https://spdx.org/licenses/CC0-1.0.html"
_TYPES = {"string": "sc:Text", "bool": "sc:Boolean", "double": "sc:Float", "int8": "sc:Integer",
          "int32": "sc:Integer"}  # fmt: skip


def croissant_of(manifest: Mapping[str, Any], audit: Any) -> dict[str, Any]:
    """Return ``croissant.json`` as a tree: files with digests, a record set for each config.

    `sources` of the audit stand as what the data was derived from; its license as SPDX addresses.
    """
    name = manifest["settings"]["title"] or manifest["pipeline"]["name"]
    released = manifest["pipeline"]["released"]
    told = {source["id"]: source for source in (audit.sources if audit else ())}
    rows = manifest["counts"]["rows"]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": name,
        "description": f"{name}: prompts with a preferred and a less preferred answer.",
        "inLanguage": list(manifest["settings"]["languages"]),
        "license": _licenses(manifest),
        "sdLicense": METADATA_LICENSE,
        **({"usageInfo": _terms(manifest, audit.terms)} if audit and audit.terms else {}),
        "version": _version(manifest),
        **({"datePublished": released} if released else {}),
        "url": f"urn:prefdata:{manifest['key']}",
        "citeAs": cite_as(manifest),
        "isLiveDataset": False,
        **_generators(manifest),
        "prov:wasDerivedFrom": [
            {"@id": told.get(s["id"], {}).get("url") or f"urn:prefdata:source:{s['id']}"}
            for s in manifest["sources"]
        ],
        "rai:dataAnnotationProtocol": (
            "Label 1 for the answer that the source says was preferred, 0 for the other."
        ),
        "distribution": [_file(file) for file in manifest["data"]]
        + [_files_of(config) for config in rows],
        "recordSet": [_records(config, schema_of(config, manifest)) for config in rows],
    }


def _terms(manifest: Mapping[str, Any], terms: Sequence[str]) -> list[dict[str, Any]]:
    """Return the models' terms that travel beside the license, as ODRL offers with a duty to read.

    They are no license of the text, so they do not stand under `license`.
    """
    return [
        {
            "@type": "odrl:Offer",
            "@id": f"urn:prefdata:{manifest['key']}:{term}",
            "odrl:obligation": {
                "@type": "odrl:Duty",
                "odrl:action": {"@id": "odrl:reviewPolicy"},
                "odrl:target": {"@id": f"license-texts/{term}.txt"},
            },
        }
        for term in terms
    ]


def _generators(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the translation as the activity that generated the data, if there was one."""
    translator = manifest["translator"]
    if not translator:
        return {}
    activity = {
        "@type": "prov:Activity",
        "@id": f"urn:prefdata:{manifest['key']}:translation",
        "name": "translation into Japanese",
        "prov:wasAssociatedWith": str(translator.get("model") or translator.get("use") or ""),
    }
    return {"prov:wasGeneratedBy": [activity]}


def _version(manifest: Mapping[str, Any]) -> str:
    """Return a semantic version that changes with every build: its key is build metadata."""
    return f"1.0.0+{manifest['key'][:8]}"


def _licenses(manifest: Mapping[str, Any]) -> list[str]:
    """Return the address of each license id in the records' expressions."""
    ids = {
        part
        for source in manifest["sources"]
        for expression in source["licenses"]
        for part in expression.replace("(", " ").replace(")", " ").split()
        if part not in ("AND", "OR", "WITH")
    }
    return [
        f"license-texts/{name}.txt"
        if name.startswith("LicenseRef")
        else f"https://spdx.org/licenses/{name}.html"
        for name in sorted(ids)
    ]


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file["path"],
        "name": file["path"],
        "contentUrl": file["path"],
        "contentSize": f"{file['bytes']} B",
        "encodingFormat": "application/x-parquet",
        "sha256": file["sha256"],
    }


def _files_of(config: str) -> dict[str, Any]:
    """Return the files of a config as a set beside ``croissant.json``, so that readers find it."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{config}-files",
        "name": f"{config}-files",
        "encodingFormat": "application/x-parquet",
        "includes": f"{config}/*.parquet",
    }


def _records(config: str, schema: pa.Schema) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "key": {"@id": f"{config}/id"},
        "field": [_field(f"{config}/{f.name}", f.name, f.type, config) for f in schema],
    }


def _field(identity: str, name: str, kind: Any, config: str) -> dict[str, Any]:
    """Return a column; a list of structs is a repeated field with subfields."""
    repeated = pa.types.is_list(kind)
    inner = kind.value_type if repeated else kind
    field: dict[str, Any] = {"@type": "cr:Field", "@id": identity, "name": name}
    source = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": identity.split("/")[1]}}
    if repeated:
        field["repeated"] = True
    if not pa.types.is_struct(inner):
        return field | {"dataType": _TYPES[str(inner)], "source": source}
    return field | {
        "source": source,
        "subField": [_sub_field(identity, sub, source, sub.name) for sub in inner],
    }


def _sub_field(parent: str, sub: Any, source: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a member of a struct.

    Readers give one value for each item of the outer list, so that of a list within a list they can
    reach a single item, the first: of a ranking's completions its first turn (all of it but where
    an assistant speaks twice running), and the first of its scores.
    """
    field = {"@type": "cr:Field", "@id": f"{parent}/{sub.name}", "name": sub.name}
    if not pa.types.is_list(sub.type):
        own = {**source, "transform": {"jsonPath": path}}
        return field | {"dataType": _TYPES[str(sub.type)], "source": own}
    return field | {
        "repeated": True,
        "description": "the first item of each list",
        "subField": [
            _sub_field(field["@id"], inner, source, f"{path}.[0].{inner.name}")
            for inner in sub.type.value_type
        ],
    }
