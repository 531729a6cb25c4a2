//! Routes that describe themselves: one call puts a route into the router and into the `OpenAPI`
//! document (3.1), so that neither has what the other lacks.

use std::{collections::BTreeMap, future::ready, sync::Arc};

use axum::{
    Router,
    handler::Handler,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::{MethodFilter, on},
};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        Components, Content, HttpMethod, Info, OpenApi, PathItem, Paths, Ref, RefOr, Required,
        ResponseBuilder, ResponsesBuilder, Schema, SecurityRequirement,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{Site, login::SESSION_COOKIE, shape};

/// A router, and what is told of its routes.
#[derive(Clone)]
pub(crate) struct Routes {
    router: Router<Arc<Site>>,
    told: Vec<(HttpMethod, String, Arc<About>)>,
}

/// What a route is for, takes and answers.
#[derive(Clone)]
pub(crate) struct About {
    summary: &'static str,
    body: Option<(&'static str, Option<Ref>)>,
    answer: (StatusCode, Option<(&'static str, Option<Ref>)>),
    query: Vec<Parameter>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// A route that does that, and answers without content.
pub(crate) fn about(summary: &'static str) -> About {
    About {
        summary,
        body: None,
        answer: (StatusCode::NO_CONTENT, None),
        query: Vec::new(),
        schemas: Vec::new(),
    }
}

impl About {
    /// Its body is JSON of that shape.
    pub(crate) fn takes<T: ToSchema>(mut self) -> Self {
        self.body = Some((JSON, Some(self.schema::<T>())));
        self
    }

    /// Its body is of that media type.
    pub(crate) fn takes_as(mut self, kind: &'static str) -> Self {
        self.body = Some((kind, None));
        self
    }

    /// It answers JSON of that shape.
    pub(crate) fn answers<T: ToSchema>(mut self) -> Self {
        self.answer = (StatusCode::OK, Some((JSON, Some(self.schema::<T>()))));
        self
    }

    /// It answers something of that media type.
    pub(crate) fn answers_as(mut self, kind: &'static str) -> Self {
        self.answer = (StatusCode::OK, Some((kind, None)));
        self
    }

    /// Its answer says that something was taken.
    pub(crate) fn accepted(mut self) -> Self {
        self.answer.0 = StatusCode::ACCEPTED;
        self
    }

    /// The part of the address after the question mark.
    pub(crate) fn asks<T: IntoParams>(mut self) -> Self {
        self.query = T::into_params(|| Some(ParameterIn::Query));
        self
    }

    fn schema<T: ToSchema>(&mut self) -> Ref {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(T::name())
    }

    fn operation(&self, method: &HttpMethod, path: &str) -> Operation {
        let success = answer(self.summary, self.answer.1.as_ref());
        let problem = Ref::from_schema_name(shape::Problem::name());
        let problem = answer("Not done", Some(&(PROBLEM, Some(problem))));
        let responses = ResponsesBuilder::new()
            .response(self.answer.0.as_str(), success)
            .response("default", problem);
        let body = self.body.as_ref().map(|(kind, schema)| {
            RequestBodyBuilder::new()
                .content(*kind, content(schema.as_ref()))
                .required(Some(Required::True))
                .build()
        });
        let parameters: Vec<_> = of_path(path).chain(self.query.iter().cloned()).collect();
        OperationBuilder::new()
            .operation_id(Some(operation_id(method, path)))
            .summary(Some(self.summary))
            .parameters(Some(parameters).filter(|all| !all.is_empty()))
            .request_body(body)
            .responses(responses)
            .securities(securities(method, path))
            .build()
    }
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            told: Vec::new(),
        }
    }

    pub(crate) fn get<H, T>(self, path: &str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Site>>,
        T: 'static,
    {
        self.at(
            path,
            (MethodFilter::GET, &[HttpMethod::Get]),
            handler,
            about,
        )
    }

    pub(crate) fn post<H, T>(self, path: &str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Site>>,
        T: 'static,
    {
        self.at(
            path,
            (MethodFilter::POST, &[HttpMethod::Post]),
            handler,
            about,
        )
    }

    pub(crate) fn put<H, T>(self, path: &str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Site>>,
        T: 'static,
    {
        self.at(
            path,
            (MethodFilter::PUT, &[HttpMethod::Put]),
            handler,
            about,
        )
    }

    pub(crate) fn patch<H, T>(self, path: &str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Site>>,
        T: 'static,
    {
        let methods = (MethodFilter::PATCH, &[HttpMethod::Patch][..]);
        self.at(path, methods, handler, about)
    }

    pub(crate) fn delete<H, T>(self, path: &str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Site>>,
        T: 'static,
    {
        let methods = (MethodFilter::DELETE, &[HttpMethod::Delete][..]);
        self.at(path, methods, handler, about)
    }

    /// By GET and by POST alike, and with what a browser asks before.
    pub(crate) fn either<H, T>(self, path: &str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Site>>,
        T: 'static,
    {
        let filter = MethodFilter::GET.or(MethodFilter::POST);
        let methods = &[HttpMethod::Get, HttpMethod::Post];
        self.at(
            path,
            (filter.or(MethodFilter::OPTIONS), methods),
            handler,
            about,
        )
    }

    /// All routes of both.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.told.extend(other.told);
        self
    }

    /// The other's routes below a path.
    pub(crate) fn nest(mut self, below: &str, other: Self) -> Self {
        self.router = self.router.nest(below, other.router);
        let nested = other.told.into_iter();
        self.told
            .extend(nested.map(|(method, path, about)| (method, format!("{below}{path}"), about)));
        self
    }

    /// The same routes within something.
    pub(crate) fn within(
        mut self,
        wrap: impl FnOnce(Router<Arc<Site>>) -> Router<Arc<Site>>,
    ) -> Self {
        self.router = wrap(self.router);
        self
    }

    /// The router, with the document about it at its place.
    pub(crate) fn into_router(self) -> Router<Arc<Site>> {
        let document = self.document();
        let text: Arc<str> = serde_json::to_string(&document).unwrap_or_default().into();
        let serve = move || ready(([(CONTENT_TYPE, JSON)], text.to_string()));
        self.router.route(DOCUMENT, axum::routing::get(serve))
    }

    /// The `OpenAPI` document about all routes, and about the place where it stands itself.
    pub(crate) fn document(&self) -> OpenApi {
        let own = about("This document").answers_as(JSON);
        let own = (HttpMethod::Get, DOCUMENT.to_owned(), Arc::new(own));
        let mut paths = BTreeMap::<String, PathItem>::new();
        let mut components = Components::new();
        components.schemas.insert(
            shape::Problem::name().into_owned(),
            <shape::Problem as utoipa::PartialSchema>::schema(),
        );
        for (method, path, about) in self.told.iter().chain([&own]) {
            let item = PathItem::new(method.clone(), about.operation(method, path));
            paths
                .entry(path.clone())
                .or_default()
                .merge_operations(item);
            components.schemas.extend(about.schemas.iter().cloned());
        }
        for (name, scheme) in schemes() {
            components.add_security_scheme(name, scheme);
        }
        let mut all = Paths::new();
        all.paths.extend(paths);
        let mut document = OpenApi::new(Info::new("Stratus", "1"), all);
        document.components = Some(components);
        document
    }

    fn at<H, T>(
        mut self,
        path: &str,
        (filter, methods): (MethodFilter, &[HttpMethod]),
        handler: H,
        about: About,
    ) -> Self
    where
        H: Handler<T, Arc<Site>>,
        T: 'static,
    {
        let about = Arc::new(about);
        self.router = self.router.route(path, on(filter, handler));
        for method in methods {
            let told = (method.clone(), path.to_owned(), Arc::clone(&about));
            self.told.push(told);
        }
        self
    }
}

fn answer(
    description: &str,
    answer: Option<&(&'static str, Option<Ref>)>,
) -> utoipa::openapi::Response {
    let mut response = ResponseBuilder::new().description(description);
    if let Some((kind, schema)) = answer {
        response = response.content(*kind, content(schema.as_ref()));
    }
    response.build()
}

fn content(schema: Option<&Ref>) -> Content {
    Content::new(schema.cloned())
}

/// The parts of an address that stand in braces: all are texts.
fn of_path(path: &str) -> impl Iterator<Item = Parameter> + '_ {
    let names = path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    names.map(|name| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build()
    })
}

/// Such as `get_pens_pen_journal`.
fn operation_id(method: &HttpMethod, path: &str) -> String {
    let method = word(method);
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let all: Vec<_> = std::iter::once(method).chain(words).collect();
    all.join("_")
}

fn word(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Delete => "delete",
        HttpMethod::Get => "get",
        HttpMethod::Patch => "patch",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Head | HttpMethod::Options | HttpMethod::Trace => "other",
    }
}

/// Everything below `/api/v1` needs one of these; logging in, and this document, need none.
fn securities(method: &HttpMethod, path: &str) -> Option<Vec<SecurityRequirement>> {
    let log_in = *method == HttpMethod::Post && path == "/api/v1/sessions";
    let closed = path.starts_with("/api/v1/") && !log_in && path != DOCUMENT;
    let requirement = |scheme: &str| SecurityRequirement::new::<_, [&str; 0], &str>(scheme, []);
    closed.then(|| schemes().map(|(name, _)| requirement(name)).into())
}

fn schemes() -> [(&'static str, SecurityScheme); 2] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let session = ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE));
    [
        ("session", SecurityScheme::ApiKey(session)),
        ("token", SecurityScheme::Http(bearer)),
    ]
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Where the document stands.
const DOCUMENT: &str = "/api/v1/openapi.json";
