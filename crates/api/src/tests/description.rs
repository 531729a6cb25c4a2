//! What the API says of itself, and of the journal to others.

use std::fs;

use super::*;

/// After a change of routes or shapes, run it with `STRATUS_WRITE_SNAPSHOTS=1`, and read the diff.
#[test]
fn the_openapi_document_is_the_one_of_the_spec() {
    let site = Arc::new(site(Desk::new(1).0, watch::channel(0).1, None));
    let document = crate::route::all(&site).document();
    let document = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/openapi.json");
    if std::env::var_os("STRATUS_WRITE_SNAPSHOTS").is_some() {
        fs::write(path, &document).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == document, "spec/openapi.json is out of date");
}

/// [`crate::openapi::Routes`] puts every route into the document too; there is no other way.
#[test]
fn no_route_is_made_past_the_document() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/route");
    let inner = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for path in inner.chain([format!("{folder}.rs").into()]) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(".route("), "{}", path.display());
        assert!(!text.contains("Router::new"), "{}", path.display());
    }
}

#[tokio::test]
async fn the_document_s_references_lead_somewhere() {
    let site = Served::start().await;
    let (status, body) = site.exchange("GET /api/v1/openapi.json HTTP/1.1", "").await;
    assert_eq!(status, 200);
    let document: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in body.split("\"$ref\":\"").skip(1) {
        let name = reference.split('"').next().unwrap();
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    let paths = document["paths"].as_object().unwrap();
    let operations = paths
        .values()
        .flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<_> = operations
        .map(|operation| &operation["operationId"])
        .collect();
    let different: std::collections::BTreeSet<_> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(different.len(), ids.len());
    assert!(paths.contains_key("/api/v1/pens/{pen}/journal"));
}

#[tokio::test]
async fn the_journal_is_told_as_cloud_events() {
    let site = Served::start().await;
    let head = |path: &str, accept: &str| {
        format!("GET /api/v1{path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nAccept: {accept}")
    };
    let batch = "application/cloudevents-batch+json";
    let (status, body) = site.exchange(&head("/journal?limit=1", batch), "").await;
    let event = json!({
        "specversion": "1.0", "id": accepted(0).event.id.to_string(),
        "source": format!("urn:stratus:pen:{}", "01".repeat(16)), "type": "student.asked",
        "time": "1970-01-01T00:00:00.000Z", "datacontenttype": "application/json",
        "krldomain": "student", "krltype": "asked", "sequence": "00000000000000000000",
        "data": {"n": 1},
    });
    let found: Json = serde_json::from_str(&body).unwrap();
    assert_eq!((status, found), (200, json!([event])));
    let path = "/journal?cloudevents=true&limit=1&domain=student";
    let told = site.told(&head(path, "*/*")).await;
    assert!(told.contains(&format!("content-type: {batch}")), "{told}");
    let next = "link: </api/v1/journal?cloudevents=true&limit=1&domain=student&after=0>; \
                rel=\"next\"";
    assert!(told.contains(next), "{told}");
    let stream = "?cloudevents=true HTTP/1.1";
    let told = listen(&site, stream, "event: cloudevent", 2).await;
    assert!(told.contains(&format!("data: {event}")), "{told}");
}

#[tokio::test]
async fn cloud_events_come_in_batches() {
    let site = Served::start().await;
    let head = format!(
        "POST /api/v1/cloudevents HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/cloudevents-batch+json"
    );
    let event = |id: &str| {
        json!({"specversion": "1.0", "id": id, "source": "/door", "type": "door.opened",
               "data": {"by": "ann"}})
    };
    let check = async |body: Json, expected: u16, code: &str| {
        let (status, answer) = site.exchange(&head, &body.to_string()).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer.contains(code), "{answer}");
    };
    check(json!([event("1"), event("2")]), 202, "\"position\":4").await;
    check(json!([]), 202, "[]").await;
    check(event("1"), 400, "request-malformed").await;
    check(json!([event("1"), {"id": "2"}]), 400, "request-malformed").await;
    let many = vec![event("1"); crate::BATCH_EVENTS_MAX + 1];
    check(json!(many), 413, "request-too-large").await;
}
