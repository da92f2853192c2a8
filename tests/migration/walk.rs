//! A scripted agent carries a migration from its proposal through a person's approval to the changed schema.

use super::alembic::{ADDS, alembic, text};
use crate::cli::path;
use crate::servers::postgres;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

const AGENT: &str = include_str!("agent.py");
/// How long the agent may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_agent_carries_a_migration_from_its_proposal_to_the_changed_schema() {
    let Some(server) = postgres() else { return };
    let scene = alembic(&server);
    let folder = scene.home.path();
    let told = folder.join("told");
    std::fs::write(folder.join("agent.py"), AGENT).unwrap();
    std::fs::write(folder.join("revision.py"), text("one", None, ADDS)).unwrap();
    std::fs::write(&told, "").unwrap();
    let calls = || -> Vec<Value> {
        let text = std::fs::read_to_string(&told).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let mut agent = Command::new("python3")
        .args([folder.join("agent.py").as_os_str(), env!("CARGO_BIN_EXE_guard").as_ref()])
        .args([folder.join("revision.py"), told.clone()])
        .current_dir(&scene.home.project)
        .env_clear()
        .env("PATH", path())
        .env("HOME", folder)
        .spawn()
        .unwrap();
    let since = Instant::now();
    while calls().len() < 4 {
        assert!(since.elapsed() < PATIENCE && agent.try_wait().unwrap().is_none(), "{:#?}", calls());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(
        scene
            .database
            .psql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'size'"),
        "0"
    );
    scene.approve("migration-1");
    assert!(agent.wait().unwrap().success());
    let all = calls();
    let codes: Vec<_> = all.iter().map(|call| call["code"].as_i64().unwrap()).collect();
    assert_eq!(codes, [0, 126, 75, 75, 0, 0, 0], "{all:#?}");
    let [_, upgrade, proposed, early, waited, run, columns] = <[Value; 7]>::try_from(all).unwrap();
    let upgrade = upgrade["answer"].to_string();
    assert!(upgrade.contains("guard migration propose"), "what is denied names what to do instead: {upgrade}");
    assert_eq!(proposed["answer"]["class"], "additive");
    assert!(early["answer"]["error"].to_string().contains("`guard wait`"), "{early:#}");
    assert_eq!(waited["answer"]["answer"], "approved");
    assert_eq!(run["answer"]["done"], true);
    let names: Vec<_> = columns["answer"]["columns"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
    assert_eq!(json!(names), json!(["id", "note", "size"]), "{columns:#}");
    for line in ["Migration proposed: orders get a size", "[APPROVAL] [CONSUME] [migration-1]"] {
        assert!(scene.home.log().contains(line), "{line}: {}", scene.home.log());
    }
    scene.clean();
}
