//! `chancery user`: people who sign in. A password is never an argument: other users of the machine would see it.

use std::io::{self, BufRead, IsTerminal, Write};

use chancery_api::access::{Grant, Role, UserCreate};
use clap::{Args, Subcommand, ValueEnum};

use super::grant;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{Missing, TargetArgs};

/// Make and list the people who sign in
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  chancery user create --email me@example.org --name Me --role owner
  chancery user create --email ci@example.org --name CI --role editor < password.txt
  chancery user create --email guest@example.org --name Guest --role guest --grant orders=read
  chancery user list"
)]
pub(crate) struct User {
    #[command(flatten)]
    target: TargetArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a user; the password is asked for, or read as one line from stdin
    Create {
        /// Who signs in
        #[arg(long)]
        email: String,
        /// What people call the user
        #[arg(long)]
        name: String,
        /// What the user may do
        #[arg(long, value_enum)]
        role: UserRole,
        #[arg(long = "grant", value_name = "PLACE=SCOPE", value_parser = grant::parse, help = grant::HELP)]
        grants: Vec<Grant>,
    },
    /// List the users
    List,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UserRole {
    /// Nothing but what --grant gives
    Guest,
    /// Read
    Viewer,
    /// Read and comment
    Commenter,
    /// Read and write records and tables
    Editor,
    /// Everything but owners
    Admin,
    /// Everything
    Owner,
}

impl User {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Create {
                email,
                name,
                role,
                grants,
            } => {
                let role = match role {
                    UserRole::Guest => Role::Guest,
                    UserRole::Viewer => Role::Viewer,
                    UserRole::Commenter => Role::Commenter,
                    UserRole::Editor => Role::Editor,
                    UserRole::Admin => Role::Admin,
                    UserRole::Owner => Role::Owner,
                };
                let target = self.target.open(Missing::Make)?;
                let user = target.create_user(UserCreate {
                    email,
                    name,
                    role,
                    grants,
                    password: password(output)?,
                })?;
                match output.json() {
                    true => output.value(&user)?,
                    false => output.line(&user.id)?,
                }
            }
            Action::List => {
                let users = self.target.open(Missing::Refuse)?.users()?;
                if output.json() {
                    output.value(&users)?;
                    return Ok(Exit::Done);
                }
                let mut text = TextTable::new(["e-mail", "name", "role", "last sign-in", "id"]);
                for user in users {
                    let role = serde_json::to_value(user.role)?;
                    let role = role.as_str().unwrap_or_default().to_owned();
                    text.row([
                        user.email,
                        user.name,
                        role,
                        user.last_sign_in_at.unwrap_or_else(|| "never".into()),
                        user.id,
                    ]);
                }
                let mut out = output.data();
                text.write(&mut out)?;
                out.flush()?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Asks for a password twice, or reads one line where nobody is there.
fn password(output: &Output) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let ask = |question: &str| -> Result<String, Failure> {
        let mut err = io::stderr().lock();
        write!(err, "{question}: ")?;
        err.flush()?;
        Ok(console::Term::stderr().read_secure_line()?)
    };
    let password = ask("Password")?;
    if ask("Again")? != password {
        output.say("");
        return Err(Failure::new("the two passwords differ"));
    }
    Ok(password)
}
