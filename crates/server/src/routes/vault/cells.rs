//! Values of encrypted columns, for whoever may see them. Each one that is given is written down in the vault's audit.

use chancery_api::vault::{CellsRevealed, RevealCells};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::once;
use super::refusals::OfCells;
use crate::acting::{self, Acting};
use crate::extract::{Body, Segments};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::state::App;
use crate::vaulting::Vaulting;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reveal))
}

/// The values of encrypted columns of a record. Everywhere else it shows masks.
#[utoipa::path(post, path = "/api/tables/{table}/records/{record}/reveal", operation_id = "revealCells", tag = "Vault",
    request_body = RevealCells,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key.")),
    responses(OfCells, (status = 200, description = "The values by slug.", body = CellsRevealed)))]
async fn reveal(
    caller: Vaulting,
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Body(asked): Body<RevealCells>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let columns: Vec<&str> = asked.columns.iter().map(String::as_str).collect();
    let values = caller.vault.reveal_cells(&handle, id.as_str(), &columns).await?;
    once(&CellsRevealed {
        values: values.into_iter().collect(),
    })
}
