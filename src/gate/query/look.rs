//! Looking without asking for rows: which databases there are, what is in them, and what would be said to a query.
//! Records what is sent to a server.

use super::opened::{learn, open};
use super::place::{Asked, Stands};
use super::{QueryAnswer, QueryRequest, Stop};
use crate::action::query::catalog::{Named, Relation, Wanted};
use crate::action::query::{Engine, Query, read};
use crate::decide::{QueryJudgement, Verdict, judge_mode, judge_unreadable, judge_write};
use crate::execute::query::{Failed, Listed};
use crate::gate::desk::Desk;
use crate::gate::{Project, World};

/// A database of the policy's.
#[derive(Debug, Clone)]
pub struct Available {
    /// Its name.
    pub name: String,
    /// What it is.
    pub engine: Engine,
    /// The variable with its URL.
    pub url_env: String,
    /// Where the URL stands, if it does; never the URL.
    pub stands: Option<Stands>,
    /// The variable with the URL of the one for tests, and where it stands.
    pub test: Option<(String, Option<Stands>)>,
}

/// The databases of the policy.
///
/// # Errors
/// Whatever keeps guard from reading the policy or the project's `.env`.
pub fn databases(world: &World, project: &Project) -> Result<Vec<Available>, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    let stands = |variable: &str| desk.url(variable).map(|found| found.map(|(_, stands)| stands));
    let mut all = Vec::new();
    for database in &desk.policy.settings().databases {
        let test = database.test_url_env.as_ref();
        all.push(Available {
            name: database.name.clone(),
            engine: database.engine,
            url_env: database.url_env.clone(),
            stands: stands(&database.url_env)?,
            test: test.map(|variable| Ok::<_, Stop>((variable.clone(), stands(variable)?))).transpose()?,
        });
    }
    Ok(all)
}

/// What would be said to a query.
#[derive(Debug)]
pub struct QueryCheck {
    /// The database's name.
    pub database: String,
    /// What it is.
    pub engine: Engine,
    /// What sort of statement it is, where it could be read.
    pub kind: Option<String>,
    /// The judgement.
    pub judgement: QueryJudgement,
    /// Why the server's catalog could not be asked, so that the names in `judgement.open` are not proved.
    pub unasked: Option<Failed>,
}

/// Judges a query and runs nothing; `offline`: without the server.
///
/// # Errors
/// Whatever keeps guard from judging.
pub fn check_query(
    world: &World,
    project: &Project,
    request: &QueryRequest,
    offline: bool,
) -> Result<QueryCheck, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    let database = desk.database(request.database.as_deref())?;
    let (name, engine) = (database.name.clone(), database.engine);
    let read = read(engine, &request.sql);
    let kind = read.as_ref().ok().map(|query| query.kind().to_string());
    let judgement = match &read {
        Ok(query) => judge_write(query, None, &desk.policy, desk.writing(database, request.test)),
        Err(unreadable) => judge_unreadable(unreadable),
    };
    let reach = judge_mode(desk.state().mode.now, request.test);
    let judgement = if reach.verdict == Verdict::Allow { judgement } else { reach };
    let mut check = QueryCheck { database: name, engine, kind, judgement, unasked: None };
    let (Ok(query), Verdict::Allow | Verdict::Ask, false) = (&read, check.judgement.verdict, offline) else {
        return Ok(check);
    };
    let asked = desk.place(request.database.as_deref(), request.test)?;
    if let Some(refused) = desk.where_it_lies(&asked)? {
        check.judgement = refused;
        return Ok(check);
    }
    match desk.by_catalog(&asked, query) {
        Ok(judgement) => check.judgement = judgement,
        Err(failed) => check.unasked = Some(failed),
    }
    Ok(check)
}

impl Desk<'_> {
    fn by_catalog(&self, asked: &Asked, query: &Query) -> Result<QueryJudgement, Failed> {
        let mut opened = open(asked)?;
        let (judged, _) = opened.let_in(asked);
        if judged.verdict != Verdict::Allow {
            return Ok(judged);
        }
        opened.session.parse(query.text())?;
        let ground = learn(query, |wanted| opened.session.catalog(wanted))?;
        opened.session.close();
        Ok(judge_write(query, Some(&ground), &self.policy, asked.writing()))
    }
}

/// What was listed, beside what came of it.
#[derive(Debug, Default)]
pub struct ListedTables {
    /// The relations.
    pub relations: Vec<Listed>,
    /// The one that was looked at, with its columns.
    pub relation: Option<Relation>,
}

/// What there is to be read in a database.
pub fn tables(world: &World, project: &Project, request: &QueryRequest) -> (ListedTables, QueryAnswer) {
    let mut listed = ListedTables::default();
    let answer = super::act::look(world, project, request, "tables", |session| {
        listed.relations = session.list()?;
        Ok(listed.relations.len() as u64)
    });
    (listed, answer)
}

/// The columns of a table or view; `table` is a name, or schema and name.
pub fn columns(world: &World, project: &Project, request: &QueryRequest, table: &str) -> (ListedTables, QueryAnswer) {
    let named = match table.split_once('.') {
        Some((schema, name)) => Named::within(schema, name),
        None => Named::bare(table),
    };
    let mut listed = ListedTables::default();
    let answer = super::act::look(world, project, request, &format!("columns of {table}"), |session| {
        let wanted = Wanted { relations: [named.clone()].into(), ..Wanted::default() };
        listed.relation = session.catalog(&wanted)?.relations.remove(&named);
        Ok(listed.relation.as_ref().map_or(0, |relation| relation.columns.len() as u64))
    });
    (listed, answer)
}
