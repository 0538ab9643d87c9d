//! What is in our libraries: a bill of materials in CycloneDX's form, the same bytes for the same lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workspace::{Workspace, fresh_folder};

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
    root: Option<String>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Writes it for the library that the packages carry, built for this target.
pub fn write(ws: &Workspace, target: &str) -> Result<PathBuf> {
    let metadata = ws.cargo("metadata --quiet --format-version 1 --features uniffi");
    let metadata = metadata.args(["--filter-platform", target]).quiet().read()?;
    let lock = ws.sh.read_file("Cargo.lock")?;
    let bill = bill(&serde_json::from_str(&metadata)?, &checksums(&lock))?;
    let folder = fresh_folder(&ws.sh, ws.target.join("sbom").join(target))?;
    let file = folder.join("windlass.cyclonedx.json");
    ws.sh.write_file(&file, serde_json::to_string_pretty(&bill)? + "\n")?;
    Ok(file)
}

/// The checksums of the lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let field = |package: &'_ str, name: &str| -> Option<std::ops::Range<usize>> {
        let start = package.find(&format!("{name} = \""))? + name.len() + 4;
        Some(start..start + package.get(start..)?.find('"')?)
    };
    let entry = |package| {
        let value = |name| str::get(package, field(package, name)?);
        Some(((value("name")?, value("version")?), value("checksum")?))
    };
    lock.split("[[package]]").filter_map(entry).collect()
}

/// The library and what is linked into it: neither what compiles it nor what tests it.
fn bill(metadata: &Metadata, checksums: &BTreeMap<(&str, &str), &str>) -> Result<Value> {
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (&*node.id, node)).collect();
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (&*package.id, package)).collect();
    let purl = |id: &str| {
        let package = packages.get(id).context("a dependency is no package")?;
        anyhow::Ok(format!("pkg:cargo/{}@{}", package.name, package.version))
    };
    let root = metadata.resolve.root.as_deref().context("the workspace has no root package")?;
    let (mut open, mut seen) = (vec![root], BTreeSet::new());
    let (mut components, mut dependencies) = (BTreeMap::new(), BTreeMap::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.get(id).context("a package is not resolved")?;
        let linked = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|k| k.kind.is_none()));
        let linked: Vec<&str> = linked.map(|dep| &*dep.pkg).collect();
        let mut on = linked.iter().map(|id| purl(id)).collect::<Result<Vec<_>>>()?;
        on.sort();
        open.extend(linked);
        let (name, package) = (purl(id)?, packages.get(id).context("it has no package")?);
        dependencies.insert(name.clone(), json!({"ref": name, "dependsOn": on}));
        components.insert(name.clone(), component(package, &name, checksums));
    }
    let itself = components.remove(&purl(root)?);
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": itself},
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies.into_values().collect::<Vec<_>>(),
    }))
}

fn component(package: &Package, purl: &str, checksums: &BTreeMap<(&str, &str), &str>) -> Value {
    let Package { name, version, license, description, .. } = package;
    let checksum = checksums.get(&(&**name, &**version));
    // Some crates write the former form of "or".
    let license = license.as_ref().map(|license| license.replace('/', " OR "));
    let mut component = json!({
        "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        "licenses": license.map(|license| [json!({"expression": license})]),
        "description": description.as_ref().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
        "hashes": checksum.map(|checksum| [json!({"alg": "SHA-256", "content": checksum})]),
    });
    if let Some(fields) = component.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_has_what_is_linked_with_its_checksum_and_no_place_and_nothing_that_only_builds() {
        let package = |name: &str, license| {
            json!({"id": format!("path+file:///home/me/{name}"), "name": name, "version": "1.0.0",
                "license": license, "description": null})
        };
        let dep = |name: &str, kind| json!({"pkg": format!("path+file:///home/me/{name}"), "dep_kinds": [{"kind": kind}]});
        let metadata = serde_json::from_value(json!({
            "packages": [package("a", "MIT/Apache-2.0"), package("b", "MIT"), package("c", "MIT")],
            "resolve": {"root": "path+file:///home/me/a", "nodes": [
                {"id": "path+file:///home/me/a", "deps": [dep("b", Value::Null), dep("c", json!("build"))]},
                {"id": "path+file:///home/me/b", "deps": []},
            ]},
        }));
        let lock = "[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n";
        let bill = bill(&metadata.unwrap(), &checksums(lock)).unwrap();
        assert_eq!(bill["metadata"]["component"]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["components"][0]["hashes"][0]["content"], "abc");
        assert_eq!(bill["components"].as_array().unwrap().len(), 1);
        assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/b@1.0.0"]));
        let text = bill.to_string();
        assert!(!text.contains("/home/me"), "{text}");
    }
}
