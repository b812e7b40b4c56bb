//! The OpenAPI document: what stands above the single routes. The routes describe themselves.

use chancery_api::ErrorCode;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Required, Schema, Tag,
};

/// The document as the server gives it; a test compares it with the routes.
pub(crate) const TEXT: &str = include_str!("../openapi.json");

/// What an operation may be refused with.
pub(crate) mod refusals {
    use std::collections::BTreeMap;

    use utoipa::IntoResponses;
    use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

    pub(crate) type Listed = BTreeMap<String, RefOr<Response>>;

    pub(crate) fn listed(statuses: &[(&str, &str)]) -> Listed {
        let problem = || Content::new(Some(Ref::from_schema_name("Problem")));
        let answer = |text: &str| {
            ResponseBuilder::new()
                .description(text)
                .content("application/problem+json", problem())
                .build()
        };
        statuses
            .iter()
            .map(|(status, text)| ((*status).to_owned(), RefOr::T(answer(text))))
            .collect()
    }

    /// What routes for strangers may answer besides.
    pub(crate) struct Strange;

    impl IntoResponses for Strange {
        fn responses() -> Listed {
            listed(&[
                ("400", "The request cannot be read."),
                ("403", "The request comes from a page of another origin."),
                ("421", "The host name is not ours."),
                (
                    "500",
                    "Something failed here; the log has it under the requestId.",
                ),
                (
                    "503",
                    "Too busy, too slow, or stopping; repeat after Retry-After.",
                ),
            ])
        }
    }

    /// What every route that needs credentials may answer.
    pub(crate) struct Common;

    impl IntoResponses for Common {
        fn responses() -> Listed {
            let mut all = Strange::responses();
            all.extend(listed(&[
                ("401", "No valid credentials."),
                (
                    "403",
                    "The credentials do not allow it, or the CSRF token is missing.",
                ),
            ]));
            all
        }
    }

    /// What routes that name something in their path may answer besides.
    pub(crate) struct Named;

    impl IntoResponses for Named {
        fn responses() -> Listed {
            let mut all = Common::responses();
            all.extend(listed(&[("404", "It does not exist, or you may not see it.")]));
            all
        }
    }

    /// What routes that take a body may answer besides.
    pub(crate) struct WithBody;

    impl IntoResponses for WithBody {
        fn responses() -> Listed {
            listed(&[
                ("409", "A name or value is taken, or an idempotency key was used."),
                ("413", "The body is too large."),
                ("415", "The content type does not fit."),
                (
                    "422",
                    "The body or values in it are invalid; `errors` lists all of them.",
                ),
            ])
        }
    }

    /// What routes that read or change one record may answer besides.
    pub(crate) struct OfRecord;

    impl IntoResponses for OfRecord {
        fn responses() -> Listed {
            listed(&[(
                "410",
                "The record is in the trash; `current` is how it lies there.",
            )])
        }
    }

    /// What routes that change one record may answer besides.
    pub(crate) struct WithVersion;

    impl IntoResponses for WithVersion {
        fn responses() -> Listed {
            let mut all = OfRecord::responses();
            all.extend(listed(&[(
                "412",
                "It was changed meanwhile; `current` is how it is now.",
            )]));
            all
        }
    }
}

const DESCRIPTION: &str = "Chancery keeps schema-checked tables of records.\n\n\
Send `Authorization: Bearer chy_…`, or sign in and send the session cookie with `X-CSRF-Token`.\n\n\
Refusals are `application/problem+json` (RFC 9457) with a `code` from the table below and all issues at once. \
Every answer carries `X-Request-Id` and `X-Revision`, a commit that contains everything the answer shows; a request that sends it as \
`X-At-Least-Revision` sees at least that again, from whichever process and replica. Query parameters and body members that a \
route does not know are refused. POST takes an `Idempotency-Key`, kept for 24 hours.";

/// The document without its routes.
pub(crate) fn document() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("MIT OR Apache-2.0")
        .identifier(Some("MIT OR Apache-2.0"))
        .build();
    let info = InfoBuilder::new()
        .title("Chancery")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description()))
        .license(Some(license))
        .build();
    let tags = [
        ("Records", "Read and write the items of a table."),
        (
            "History",
            "What happened to a record, what was done, and taking it back.",
        ),
        ("Bulk", "Many records in one request and one commit."),
        (
            "Transactions",
            "Operations over several tables that happen as one.",
        ),
        ("Query", "Filter, sort, search and compute."),
        ("Tables", "Sets of records under one schema."),
        ("Buckets", "Tables in the vocabulary of definitions in code."),
        (
            "Columns",
            "The slots of a table, and the options of select columns.",
        ),
        ("Imports and exports", "Files in and out."),
        ("Operations", "What operators need: backups."),
        ("Changes", "What happened, in order: pages and streams of events."),
        ("Webhooks", "Events sent to others by HTTP."),
        (
            "Vault",
            "Secret values behind tokens. Tokens and passwords stand in bodies only.",
        ),
        (
            "Jobs",
            "Long work that goes on in the background, and after a restart.",
        ),
        ("Field types", "What a column may hold."),
        ("Workspaces", "Isolated sets of tables."),
        ("Access", "Set-up, sign-in, users and API keys."),
        ("Health", "Whether the server works."),
    ];
    let tags: Vec<Tag> = tags
        .into_iter()
        .map(|(name, text)| {
            utoipa::openapi::tag::TagBuilder::new()
                .name(name)
                .description(Some(text))
                .build()
        })
        .collect();
    let mut document = OpenApiBuilder::new().info(info).tags(Some(tags)).build();
    let mut components = utoipa::openapi::Components::new();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("chy_…")
        .build();
    components.add_security_scheme("apiKey", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new("chancery_session"));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    document.components = Some(components);
    document
}

/// Completes a document that has its routes.
pub(crate) fn finish(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    for (name, schema) in [
        (
            "Problem",
            <chancery_api::Problem as utoipa::PartialSchema>::schema(),
        ),
        ("Issue", <chancery_api::Issue as utoipa::PartialSchema>::schema()),
        ("ErrorCode", <ErrorCode as utoipa::PartialSchema>::schema()),
    ] {
        components.schemas.entry(name.to_owned()).or_insert(schema);
    }
    let optional: Vec<String> = components
        .schemas
        .iter()
        .filter(
            |(_, schema)| matches!(schema, RefOr::T(Schema::Object(object)) if object.required.is_empty()),
        )
        .map(|(name, _)| format!("#/components/schemas/{name}"))
        .collect();
    let posts = document
        .paths
        .paths
        .values_mut()
        .filter_map(|path| path.post.as_mut());
    for body in posts.filter_map(|post| post.request_body.as_mut()) {
        let RefOr::T(body) = body else { continue };
        let free = |content: &RefOr<Content>| match content {
            RefOr::T(content) => {
                matches!(&content.schema, Some(RefOr::Ref(schema)) if optional.contains(&schema.ref_location))
            }
            RefOr::Ref(_) => false,
        };
        // What none of its members is required of may be left out, as `extract::Body` reads it.
        if body.content.keys().eq(["application/json"]) && body.content.values().all(free) {
            body.required = Some(Required::False);
        }
    }
    let either = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    document.security = Some(vec![either("apiKey"), either("session")]);
}

fn description() -> String {
    let mut text = format!("{DESCRIPTION}\n\n| code | status | when |\n|---|---|---|\n");
    for code in ErrorCode::ALL {
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            code.as_str(),
            code.status(),
            code.doc()
        ));
    }
    text
}
