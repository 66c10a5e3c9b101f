// Package cli is the command line of slipway: one file a command.
//
// [Main] runs a command with the arguments, streams and environment of the
// process; [Run] does the same with those it is given, for tests and for the
// generator of docs/cli, which reads the tree that [Command] returns.
//
// Rules that every command keeps: standard output is data, everything else
// goes to standard error; an error is one "slipway: error:" and, where
// something helps, "slipway: hint:" lines, lower case, no full stop; the exit
// codes are those of the constants in exit.go. Where Helm has a command of
// the same name its flags work and its standard output is the same to the
// byte; its error texts stand inside ours unchanged, so that they can be
// searched for.
package cli
