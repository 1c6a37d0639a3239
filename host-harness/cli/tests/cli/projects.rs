//! The commands for authors of providers.

use serde_json::Value;

use super::{Place, built, workspace};

#[test]
fn new_creates_project_and_overwrites_nothing() {
    let place = Place::new();
    let contract: Vec<_> = std::fs::read_dir(workspace().join("wit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .collect();
    assert!(contract.len() > 2, "{contract:?}");
    for (language, manifest, built) in [("rust", "Cargo.toml", "target"), ("javascript", "package.json", "node_modules")] {
        let name = format!("fast-{language}");
        let output = place.run(&format!("new {name} --language {language}"), "");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && told.contains(&format!("check {name}.wasm --vectors vectors.json")), "{told}");
        let text = |path: &str| std::fs::read_to_string(place.path(&name).join(path)).unwrap();
        for file in &contract {
            let path = format!("wit/{}", file.file_name().unwrap().display());
            assert_eq!(text(&path), std::fs::read_to_string(file).unwrap(), "{path}");
        }
        assert!(text(manifest).contains(&format!("\"{name}\"")) && text(".gitignore").contains(built));
        for path in [manifest, "README.md", "vectors.json"] {
            assert!(!text(path).contains("example-pay"), "{path} still has the template's name");
        }
        let vectors: Value = serde_json::from_str(&text("vectors.json")).unwrap();
        let callbacks = vectors["callbacks"].as_array().unwrap();
        assert!(callbacks.len() > 10 && callbacks.iter().any(|callback| callback["answers"].is_array()));
    }
    std::fs::write(place.path("fast-rust/README.md"), "mine").unwrap();
    for (arguments, words) in [
        ("new fast-rust", "fast-rust is there already"),
        ("new body.txt", "kebab-case"),
        ("new Fast", "kebab-case"),
        ("new fast--pay", "kebab-case"),
        ("new ../fast", "kebab-case"),
        ("new fast --into nowhere", "nowhere is not there"),
        ("new fast --into body.txt", "cannot make body.txt/fast"),
        ("new fast --language cobol", "javascript"),
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(words), "{arguments}: {error}");
    }
    assert_eq!(std::fs::read_to_string(place.path("fast-rust/README.md")).unwrap(), "mine");
    assert!(!place.path("fast").exists() && !place.path("nowhere").exists());
}

/// A module without content.
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

#[test]
fn component_converts_module_or_writes_nothing() {
    let place = Place::new();
    let output = place.run("component MODULE --out made.wasm", "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let component = std::fs::read(built("components/chronopay.wasm")).unwrap();
    assert!(std::fs::read(place.path("made.wasm")).unwrap() == component, "the component differs from the build's");

    let module = std::fs::read(built("guest/wasm32-unknown-unknown/component/chronopay.wasm")).unwrap();
    std::fs::write(place.path("empty.wasm"), EMPTY_MODULE).unwrap();
    std::fs::write(place.path("cut.wasm"), &module[..module.len() / 2]).unwrap();
    for (arguments, words) in [
        ("component missing.wasm --out made.wasm", "cannot use missing.wasm"),
        ("component body.txt --out made.wasm", "it is no WebAssembly"),
        ("component COMPONENT --out made.wasm", "where it is a component already"),
        ("component empty.wasm --out made.wasm", "no metadata of the contract"),
        ("component cut.wasm --out made.wasm", "it is damaged"),
        ("component MODULE --out nowhere/made.wasm", "cannot use nowhere/made.wasm"),
        ("component MODULE", "--out"),
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(words), "{arguments}: {error}");
        assert!(std::fs::read(place.path("made.wasm")).unwrap() == component, "{arguments}: the old one stays");
    }
    assert!(!place.path("made.wasm.part").exists());
}
