//! Exports over HTTP and on the page: their names, archives, replaced exports, and the seller.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use crate::server::{Server, TOKEN, asked};
use end_to_end::component_of;
use serde_json::{Value, json};

const MONTH: &str = "from=2026-02-01&to=2026-02-28";
const SELLER: [(&str, &str); 4] = [("kind", "company"), ("name", "ООО «Связь»"), ("inn", "7707083893"), ("kpp", "770701001")];

/// Starts a server with a seller and a month with one write-off for each account.
fn server(accounts: &[&str]) -> Server {
    let server = Server::new();
    let seller: BTreeMap<&str, &str> = SELLER.into();
    assert_eq!(server.put("/api/v1/seller", &json!(seller)).0, 204);
    for account in accounts {
        let put = server.put(&format!("/api/v1/accounts/{account}"), &json!({"name": "Иванов И. И.", "kind": "individual"}));
        assert_eq!(put.0, 200);
        add(&server, account, account);
    }
    server
}

fn add(server: &Server, account: &str, id: &str) {
    add_of(server, account, id, 12_000);
}

fn add_of(server: &Server, account: &str, id: &str, minor_units: i64) {
    let writeoff = json!({"id": id, "account": account, "service": "Интернет", "unit": "мес", "period": "2026-02-01",
        "date": "2026-02-28", "amount": {"minor_units": minor_units, "currency": "RUB"}, "vat_basis_points": 2200});
    assert_eq!(server.post("/api/v1/writeoffs", &json!({"writeoffs": [writeoff]})).0, 200);
}

/// Returns the status, the file's name, and its bytes.
fn export(server: &Server, query: &str) -> (u16, String, Vec<u8>) {
    let request = server.agent.get(server.url(&format!("/api/v1/exports/writeoffs?{query}")));
    let mut answer = request.header("authorization", format!("Bearer {TOKEN}")).call().unwrap();
    let name = answer.headers().get("content-disposition").map(|name| name.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), name, answer.body_mut().read_to_vec().unwrap())
}

/// Returns the names in the folder of exports.
fn names(server: &Server) -> Vec<String> {
    let entries = std::fs::read_dir(server.folder.path().join("exports")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn export_names_depend_on_options() {
    let server = server(&["1"]);
    let format = format!("{MONTH}&format=enterprise-data-1.17");
    let long = "А".repeat(60);
    let queries = [
        format.clone(),
        format!("{format}&number-prefix=AB"),
        format!("{format}&individuals-name=AB"),
        format!("{format}&individuals-name=A%20B"),
        format!("{format}&individuals-name=A.B"),
        format!("{format}&mode=summary-individuals&individuals-name={long}1"),
        format!("{format}&mode=summary-individuals&individuals-name={long}2"),
        format!("{MONTH}&format=register-csv&decimal-separator=comma"),
    ];
    let mut given: Vec<String> = Vec::new();
    for query in &queries {
        let (status, name, bytes) = export(&server, query);
        assert_eq!(status, 200, "{query}: {}", String::from_utf8_lossy(&bytes));
        given.push(name);
    }
    let mut different = given.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), queries.len(), "{given:#?}");
    assert_eq!(names(&server).len(), 2 * queries.len(), "each export has its file and its manifest");
    // A misspelt option is not ignored.
    let (status, _, problem) = export(&server, &format!("{format}&mod=summary-individuals"));
    let problem: Value = serde_json::from_slice(&problem).unwrap();
    let message = problem["problems"][0]["message"].as_str().unwrap();
    assert_eq!((status, names(&server).len()), (422, 2 * queries.len()));
    assert!(message.contains("There is no option \"mod\"; the options are: mode, number-prefix,"), "{message}");
    assert!(names(&server).contains(&"2026-02-01_2026-02-28_chronopay_enterprise-data-1.17_number-prefix=AB.xml".to_owned()));
}

#[test]
fn several_files_are_downloaded_as_one_archive() {
    let server = server(&["1", "2", "3"]);
    let query = format!("{MONTH}&format=enterprise-data-1.17&documents-per-file=2");
    let (status, name, bytes) = export(&server, &query);
    assert!(status == 200 && name.ends_with(".zip"), "{status} {name} {}", String::from_utf8_lossy(&bytes));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes.clone())).unwrap();
    let inside: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let stem = "2026-02-01_2026-02-28_chronopay_enterprise-data-1.17_documents-per-file=2";
    assert_eq!(inside, [format!("{stem}-0001.xml"), format!("{stem}-0002.xml"), format!("{stem}.xml.manifest.json")]);
    let mut manifest = String::new();
    archive.by_name(&inside[2]).unwrap().read_to_string(&mut manifest).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!((&manifest["documents"], &manifest["files"][1]["documents"]), (&json!(3), &json!(1)));
    let verified = export::verify::verify(&server.folder.path().join("exports").join(format!("{stem}.xml")));
    assert!(verified.unwrap().passes());
    // The same export is identical to the byte; a single file is in an archive too.
    assert_eq!(export(&server, &query).2, bytes);
    let (status, name, _) = export(&server, &query.replace("file=2", "file=9"));
    assert!(status == 200 && name.ends_with(".zip"), "{name}");
    let page = server.log_in().get("/operator/export");
    assert!(page.contains("_documents-per-file%3D2.zip"), "{page}");
}

#[test]
fn replacing_export_requires_confirmation() {
    let server = server(&["1"]);
    let query = format!("{MONTH}&format=enterprise-data-1.17");
    let first = export(&server, &query);
    assert_eq!(export(&server, &query), first, "the same export is returned again");
    add(&server, "1", "later");
    let (status, _, problem) = export(&server, &query);
    let problem = String::from_utf8(problem).unwrap();
    assert!(status == 409 && problem.contains("120.00") && problem.contains("240.00") && problem.contains("(replace)"));
    let file = names(&server).into_iter().find(|name| name.ends_with(".xml")).unwrap();
    let kept = || std::fs::read(server.folder.path().join("exports").join(&file)).unwrap();
    assert_eq!(kept(), first.2);
    let (status, _, bytes) = export(&server, &format!("{query}&replace=true"));
    assert!(status == 200 && bytes == kept() && bytes != first.2);
    assert_eq!(names(&server).len(), 2, "no other files are left behind");
}

#[test]
fn empty_month_requires_permission() {
    let server = server(&["1"]);
    let query = "from=2026-03-01&to=2026-03-31&format=enterprise-data-1.17";
    let (status, _, problem) = export(&server, query);
    assert!(status == 422 && String::from_utf8(problem).unwrap().contains("(allow_empty)"));
    assert_eq!(names(&server), Vec::<String>::new());
    assert_eq!(export(&server, &format!("{query}&allow_empty=true")).0, 200);
}

#[cfg(unix)]
#[test]
fn exports_are_readable_by_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let server = server(&["1", "2"]);
    let folder = server.folder.path().join("exports");
    // The folder of an older program, which everybody could read.
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    for options in ["format=register-csv", "format=enterprise-data-1.17&documents-per-file=1"] {
        assert_eq!(export(&server, &format!("{MONTH}&{options}")).0, 200);
    }
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), names(&server).len()), (0o700, 6));
    for name in names(&server) {
        assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
    }
}

/// Returns the seller with one field changed.
fn with<'t>(field: &'t str, value: &str) -> BTreeMap<&'t str, String> {
    let mut seller: BTreeMap<&str, String> = SELLER.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    seller.insert(field, value.to_owned());
    seller
}

#[test]
fn seller_details_are_checked_when_saved() {
    let server = Server::new();
    let operator = server.log_in();
    for (field, value, words) in [
        ("inn", "ИНН", "10 цифр"),
        ("inn", "7707083894", "контрольная"),
        ("inn", "500100732259", "10 цифр"),
        ("inn", "0000000000", "10 цифр"),
        ("kpp", "x", "9 знаков"),
        ("kpp", "", "У юридического лица есть КПП"),
        ("name", "ООО\u{202e}", "невидимый знак"),
    ] {
        let (status, problem) = server.put("/api/v1/seller", &json!(with(field, value)));
        assert_eq!((status, &problem["problems"][0]["field"]), (422, &json!(field)), "{value}: {problem}");
        let seller = with(field, value);
        let form: Vec<(&str, &str)> = seller.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = operator.post("/operator/export/seller", &form);
        assert!(page.contains("Реквизиты не сохранены") && page.contains(words), "{field} {value}: {page}");
        assert!(!page.contains("Выгрузка не") && page.contains(&format!("id=\"wrong-{field}\"")), "{page}");
    }
    assert_eq!(server.get("/api/v1/seller").0, 404, "nothing was stored");
    let person = [("kind", "sole-proprietor"), ("name", "ИП Петров"), ("inn", "500100732259"), ("kpp", "")];
    for good in [SELLER, person] {
        assert!(operator.post("/operator/export/seller", &good).contains("Реквизиты сохранены."));
    }
    let page =
        operator.post("/operator/export/seller", &[("kind", "sole-proprietor"), ("inn", "500100732259"), ("kpp", "770701001")]);
    assert!(page.contains("Введите наименование") && page.contains("У предпринимателя КПП нет"), "{page}");
}

#[test]
fn page_confirms_replacement_and_empty_export() {
    let server = server(&["1"]);
    let operator = server.log_in();
    let asked = |to: &str, more: &[(&str, &str)]| {
        let from = format!("{}-01", &to[..7]);
        let form = [("provider", "chronopay"), ("from", from.as_str()), ("to", to), ("format", "enterprise-data-1.17")];
        operator.post("/operator/export", &[&form[..], more].concat())
    };
    let empty = asked("2026-03-31", &[]);
    assert!(empty.contains("выгружать нечего") && !empty.contains("Выгрузка готова"), "{empty}");
    assert!(empty.contains(r#"name="allow-empty" value="yes""#) && empty.contains(r#"value="2026-03-31""#), "{empty}");
    assert!(asked("2026-03-31", &[("allow-empty", "yes")]).contains("Выгрузка готова"));
    assert!(asked("2026-02-28", &[]).contains("Выгрузка готова"));
    assert!(asked("2026-02-28", &[]).contains("Такая выгрузка уже есть, с тем же содержанием"));
    add(&server, "1", "later");
    let differs = asked("2026-02-28", &[]);
    assert!(differs.contains("её содержание другое") && differs.contains("120,00") && differs.contains("240,00"), "{differs}");
    assert!(differs.contains("Заменить прежнюю выгрузку"), "{differs}");
    assert!(asked("2026-02-28", &[("replace", "yes")]).contains("Выгрузка готова"));
}

#[test]
fn acts_missing_from_replacement_are_named() {
    let server = server(&["1", "2", "3"]);
    let operator = server.log_in();
    let query = format!("{MONTH}&format=enterprise-data-1.17");
    assert_eq!(export(&server, &query).0, 200);
    let asked = |replace| {
        let form =
            [("provider", "chronopay"), ("from", "2026-02-01"), ("to", "2026-02-28"), ("format", "enterprise-data-1.17")];
        operator.post("/operator/export", &[&form[..], &[("replace", replace)]].concat())
    };
    // An act that only changes is not reported as gone.
    add(&server, "1", "later");
    let page = asked("");
    assert!(page.contains("акты, которые есть в обеих") && !page.contains("удалите их в 1С"), "{page}");
    // One account has another contract, and so another reference under the same number; one has no write-offs any more.
    let contract = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-2"});
    assert_eq!(server.put("/api/v1/accounts/2", &contract).0, 200);
    assert_eq!(server.post("/api/v1/writeoffs/3/exclusion", &json!({"operator": "anna", "reason": "дубль"})).0, 200);
    let (status, _, problem) = export(&server, &query);
    let problem = String::from_utf8(problem).unwrap();
    assert!(status == 409 && problem.contains("lacks the acts 02-2, 02-3: where they were loaded into 1C"), "{problem}");
    for page in [asked(""), asked("yes")] {
        assert!(page.contains("в новой нет: 02-2, 02-3. Если прежняя загружена, удалите их в 1С вручную"), "{page}");
    }
    // With another INN of the seller, all acts are different ones.
    for at in 10..40 {
        let number = at.to_string();
        server.put(&format!("/api/v1/accounts/{number}"), &json!({"name": "Петров П. П.", "kind": "individual"}));
        add(&server, &number, &number);
    }
    assert_eq!(export(&server, &format!("{query}&replace=true")).0, 200);
    let seller = json!({"kind": "company", "name": "ООО «Связь»", "inn": "7701234560", "kpp": "770701001"});
    assert_eq!(server.put("/api/v1/seller", &seller).0, 204);
    let page = asked("");
    assert!(page.contains("02-1, 02-10, 02-11,") && page.contains("02-27 и ещё 12. Если"), "{page}");
    let file = names(&server).into_iter().find(|name| name.ends_with(".xml")).unwrap();
    std::fs::write(server.folder.path().join("exports").join(file), "<").unwrap();
    assert!(asked("").contains("Прочитать прежнюю выгрузку нельзя"));
}

/// An act for one subscriber has the VAT of its sums; an act for all individuals has the VAT of each write-off.
#[test]
fn page_register_and_acts_have_equal_vat() {
    let server = server(&["1"]);
    server.put("/api/v1/accounts/2", &json!({"name": "Петров П. П.", "kind": "individual"}));
    ["a", "b"].iter().for_each(|id| add_of(&server, "2", id, 103));
    let operator = server.log_in();
    for (mode, vat) in [("per-subscriber", 2164 + 37), ("summary-individuals", 2164 + 19 + 19)] {
        let form = [
            ("provider", "chronopay"),
            ("from", "2026-02-01"),
            ("to", "2026-02-28"),
            ("format", "register-csv"),
            ("mode", mode),
        ];
        assert!(operator.post("/operator/export", &form).contains("Выгрузка готова"), "{mode}");
        let name = names(&server).into_iter().find(|name| name.contains(mode) && name.ends_with(".csv")).unwrap();
        let register = std::fs::read_to_string(server.folder.path().join("exports").join(name)).unwrap();
        let of_rows =
            register.lines().skip(1).map(|row| row.split(';').nth(15).unwrap().replace('.', "").parse::<i64>().unwrap());
        assert_eq!(of_rows.sum::<i64>(), vat, "{mode}: {register}");
    }
}

#[test]
fn page_excludes_rows_that_cannot_be_exported() {
    let server = server(&["1", "2"]);
    let database = rusqlite::Connection::open(server.database()).unwrap();
    database.execute("UPDATE writeoffs SET vat_basis_points = 2100 WHERE id = '2'", []).unwrap();
    database.execute("UPDATE writeoffs SET period = 0, date = 0 WHERE id = '1'", []).unwrap();
    let operator = server.log_in();
    let month = [("provider", "chronopay"), ("from", "2026-02-01"), ("to", "2026-02-28"), ("format", "enterprise-data-1.17")];
    let page = operator.post("/operator/export", &month);
    assert!(page.contains("Выгрузка не сформирована") && page.contains(r#"name="writeoff" value="2""#), "{page}");
    assert!(page.contains("дней нет в календаре") && page.contains("0000-00-00"), "{page}");
    for id in ["1", "2"] {
        operator.post("/operator/export/exclusions", &[("writeoff", id), ("reason", "дубль")]);
    }
    let page = operator.get("/operator/export");
    assert!(page.contains("Причина: дубль") && page.contains("Вернуть в выгрузки") && !page.contains("дней нет в календаре"));
    assert!(operator.post("/operator/export", &month).contains("выгружать нечего"));
    operator.post("/operator/export/exclusions/undo", &[("writeoff", "2")]);
    assert!(operator.post("/operator/export", &month).contains("Выгрузка не сформирована"));
}

#[test]
fn rows_are_not_excluded_for_faults_of_others() {
    let server = server(&["1", "2"]);
    let operator = server.log_in();
    let asked = |format: &str| {
        let form = [("provider", "chronopay"), ("from", "2026-02-01"), ("to", "2026-02-28"), ("format", format)];
        operator.post("/operator/export", &form)
    };
    let (button, remedy) = (r#"name="writeoff" value="1""#, "Само списание верно: ");
    // The oldest version of the format has no rate of 22 %.
    let page = asked("enterprise-data-1.8");
    assert!(page.contains("use enterprise-data-1.17") && page.contains(remedy) && !page.contains(button), "{page}");
    assert!(page.contains("выберите другой формат"), "{page}");
    // Two write-offs whose sum exceeds what a document can hold.
    ["a", "b"].iter().for_each(|id| add_of(&server, "1", id, 999_999_999_999_999));
    let page = asked("enterprise-data-1.17");
    assert!(page.contains("The document's sum is over") && page.contains(remedy) && !page.contains(button), "{page}");
    // Billing corrects what is wrong with an account.
    let database = rusqlite::Connection::open(server.database()).unwrap();
    database.execute("UPDATE accounts SET inn = '770123456704' WHERE number = '1'", []).unwrap();
    let page = asked("enterprise-data-1.17");
    assert!(page.contains("исправьте данные абонента в биллинге") && !page.contains(button), "{page}");
}

#[test]
fn exclusion_accepts_id_as_typed() {
    let server = server(&["1"]);
    ["b27", " b27"].iter().for_each(|id| add(&server, "1", id));
    let operator = server.log_in();
    operator.post("/operator/export/exclusions", &[("writeoff", " b27"), ("reason", "дубль")]);
    assert_eq!(server.get("/api/v1/exclusions").1["exclusions"][0]["writeoff"], " b27");
    operator.post("/operator/export/exclusions/undo", &[("writeoff", " b27")]);
    assert_eq!(server.get("/api/v1/exclusions").1, json!({"exclusions": []}));
}

#[test]
fn left_out_rows_are_listed_with_reasons() {
    let server = server(&["1", "2", "3"]);
    add_of(&server, "2", "back", -12_000);
    let exclusion = json!({"operator": "anna", "reason": "дубль"});
    assert_eq!(server.post("/api/v1/writeoffs/3/exclusion", &exclusion).0, 200);
    let (status, _, bytes) = export(&server, &format!("{MONTH}&format=enterprise-data-1.17&documents-per-file=5"));
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    let out = "2026-02-01_2026-02-28_chronopay_enterprise-data-1.17_documents-per-file=5.xml";
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut list = String::new();
    archive.by_name(&format!("{out}.left-out.csv")).unwrap().read_to_string(&mut list).unwrap();
    assert!(
        list.contains(";0.00;22;0.00;RUB;not-positive;") && list.contains(";120.00;22;21.64;RUB;by-decision;дубль"),
        "{list}"
    );
    let path = server.folder.path().join("exports").join(out);
    let verified = export::verify::verify(&path).unwrap();
    assert!(verified.passes(), "{:?}", verified.differences);
    let (input, left_out) = (verified.manifest.input.unwrap(), verified.manifest.left_out.unwrap());
    assert_eq!((input.rows, input.minor_units, input.left_out_by_decision), (4, 24_000, 1));
    assert_eq!((left_out.rows, left_out.minor_units, verified.manifest.totals.amount.minor_units), (3, 12_000, 12_000));
    assert_eq!(verified.manifest.excluded[0].operator, "anna");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(export::left_out::path_of(&path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let page = server.log_in().get("/operator/export");
    assert!(page.contains("Не вошло в файлы: списаний 3") && page.contains(".left-out.csv"), "{page}");
}

#[test]
fn month_netting_to_zero_is_exported() {
    let server = server(&["1"]);
    add_of(&server, "1", "back", -12_000);
    let (status, _, bytes) = export(&server, &format!("{MONTH}&format=enterprise-data-1.17"));
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    assert!(names(&server).iter().any(|name| name.ends_with(".left-out.csv")));
}

#[test]
fn first_hundred_faults_are_listed_and_the_rest_counted() {
    let server = server(&["1"]);
    for at in 0..130 {
        add(&server, "1", &format!("w-{at}"));
    }
    let database = rusqlite::Connection::open(server.database()).unwrap();
    database.execute("UPDATE writeoffs SET vat_basis_points = 2100", []).unwrap();
    let (status, _, problem) = export(&server, &format!("{MONTH}&format=enterprise-data-1.17"));
    let problem: Value = serde_json::from_slice(&problem).unwrap();
    assert_eq!((status, problem["problems"].as_array().unwrap().len()), (422, 100));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("131 faults") && detail.contains("the first 100 are told"), "{detail}");
    let month = [("provider", "chronopay"), ("from", "2026-02-01"), ("to", "2026-02-28"), ("format", "enterprise-data-1.17")];
    let page = server.log_in().post("/operator/export", &month);
    assert!(page.contains("Ещё ошибок: 31."), "{page}");
}

#[test]
fn warnings_are_on_page_and_in_manifest() {
    let server = server(&["1"]);
    let writeoff = |id: &str, code: &str| {
        json!({"id": id, "account": "1", "service": "ТВ", "service_code": code, "unit": "мес", "period": "2026-02-01",
            "date": "2026-02-28", "amount": {"minor_units": 100, "currency": "RUB"}, "vat_basis_points": 2200})
    };
    assert_eq!(server.post("/api/v1/writeoffs", &json!({"writeoffs": [writeoff("a", "tv"), writeoff("b", "tv-2")]})).0, 200);
    let (status, manifest) = server.get(&format!("/api/v1/exports/writeoffs/manifest?{MONTH}&format=enterprise-data-1.17"));
    assert_eq!((status, &manifest["warnings"][0]["code"], &manifest["warnings_count"]), (200, &json!("same-name"), &json!(1)));
    let page = server.log_in().get("/operator/export");
    assert_eq!(page.matches("Предупреждение: ").count(), 1, "{page}");
}

/// Adds the component that only exports, and saves its settings.
fn add_onec(server: &Server) {
    assert_eq!(server.swap("onec", &component_of("onec"), "").0, 200);
    assert_eq!(server.put("/api/v1/providers/onec/settings", &json!({})).0, 204);
}

#[test]
fn another_exporting_component_writes_the_same_acts() {
    let server = server(&["1", "2"]);
    let query = format!("{MONTH}&format=enterprise-data-1.17");
    let (status, name, by_chronopay) = export(&server, &query);
    assert!(status == 200 && name.contains("_chronopay_enterprise-data-1.17"), "{name}");
    add_onec(&server);
    let (status, name, by_onec) = export(&server, &format!("{query}&provider=onec"));
    assert!(status == 200 && name.contains("_onec_enterprise-data-1.17"), "{name}");
    assert!(by_onec == by_chronopay, "the acts have the same UUIDs and numbers");
    let (status, _, problem) = export(&server, &query);
    let problem = String::from_utf8(problem).unwrap();
    assert!(status == 422 && problem.contains("set `provider` to one of: chronopay, onec"), "{problem}");
    // It takes no orders and no callbacks, and leaves those of the others alone.
    server.order();
    let mut asked = asked();
    asked["provider"] = json!("onec");
    let (status, problem) = server.post("/api/v1/links", &asked);
    assert_eq!((status, &problem["code"]), (409, &json!("provider-without-links")), "{problem}");
    let answer = server.agent.post(server.url("/callbacks/onec")).send("a=1").unwrap();
    assert_eq!(answer.status().as_u16(), 403);
}

#[test]
fn page_offers_only_components_that_export() {
    let server = server(&["1"]);
    assert_eq!(server.swap("robokassa", &component_of("robokassa"), "").0, 200);
    let settings: BTreeMap<String, String> = end_to_end::robokassa::settings(&[]).into_iter().collect();
    assert_eq!(server.put("/api/v1/providers/robokassa/settings", &json!(settings)).0, 204);
    let operator = server.log_in();
    let offers = |page: &str, name: &str| page.contains(&format!(r#"name="provider" value="{name}""#));
    let page = operator.get("/operator/export");
    assert!(offers(&page, "chronopay") && !offers(&page, "robokassa") && !page.contains("Выгружать нечем"), "{page}");
    assert_eq!(export(&server, MONTH).0, 200, "only one exports, so that it need not be named");
    let refused = |query: &str| {
        let (status, _, problem) = export(&server, &format!("{MONTH}{query}"));
        assert_eq!(status, 422);
        String::from_utf8(problem).unwrap()
    };
    let problem = refused("&provider=robokassa");
    assert!(problem.contains("robokassa has no export formats; set `provider` to one of: chronopay"), "{problem}");

    assert_eq!(server.delete("/api/v1/providers/chronopay?confirm=true&operator=anna").0, 204);
    let page = operator.get("/operator/export");
    assert!(page.contains("Выгружать нечем") && page.contains("Добавьте компонент onec.wasm"), "{page}");
    assert!(page.contains(r#"href="/operator/providers""#) && !page.contains(r#"name="provider""#), "{page}");
    for query in ["", "&provider=robokassa"] {
        assert!(refused(query).contains("has export formats; add one that has, such as onec.wasm"), "{query}");
    }

    assert_eq!(server.swap("onec", &component_of("onec"), "").0, 200);
    let page = operator.get("/operator/export");
    assert!(page.contains("Чтобы выгружать через 1С, сохраните") && !page.contains(r#"name="provider""#), "{page}");
    assert!(page.contains(r#"href="/operator/settings/onec""#) && !page.contains("Выгружать нечем"), "{page}");
    assert!(operator.get("/operator/settings/onec").contains("Валюта списаний"));
    assert_eq!(server.put("/api/v1/providers/onec/settings", &json!({})).0, 204);
    let page = operator.get("/operator/export");
    assert!(offers(&page, "onec") && !page.contains("Чтобы выгружать через"), "{page}");
    let (status, name, _) = export(&server, MONTH);
    assert!(status == 200 && name.contains("_onec_"), "{name}");
}
