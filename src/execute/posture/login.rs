//! Who one is to a service: user, password and database of a URL.
//! Pure.

use crate::execute::query::Url;

/// What a URL says of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The database.
    pub database: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("database", &self.database).finish_non_exhaustive()
    }
}

impl Login {
    /// Reads `scheme://user:password@host:port/database?…`; `None`: it is not a URL. Where it leads is not looked at.
    pub fn of_url(url: &str) -> Option<Self> {
        let Url { user, password, path, .. } = Url::read(url)?;
        Some(Self { user, password, database: path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_who_one_is() {
        let login = |user: &str, password: &str, database: &str| {
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Some(Login { user: given(user), password: given(password), database: given(database) })
        };
        assert_eq!(Login::of_url("postgres://app:p%40ss@db:5432/shop?sslmode=disable"), login("app", "p@ss", "shop"));
        assert_eq!(Login::of_url("postgresql://app@[::1]/"), login("app", "", ""));
        assert_eq!(Login::of_url("redis://:secret@localhost:6379/0"), login("", "secret", "0"));
        assert_eq!(Login::of_url("redis://localhost"), login("", "", ""));
        assert_eq!(Login::of_url("localhost:5432"), None);
        assert_eq!(
            format!("{:?}", Login::of_url("x://u:secret@h/d").unwrap()),
            "Login { user: Some(\"u\"), database: Some(\"d\"), .. }"
        );
    }
}
