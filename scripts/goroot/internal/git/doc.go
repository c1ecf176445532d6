// Package git runs the git command deaf to who runs it: the same arguments
// give the same bytes for everybody.
//
// The user's and the machine's configuration, attributes, ignore lists, hooks
// and GIT_* variables are shut out; line endings stay as they are; objects are
// SHA-1; the committer is fixed. Repositories made by [Init] carry the same
// settings in their own configuration, so that a person's git in the same
// directory cannot disturb them either.
//
// Limits: git 2.32 or newer (checked by [Init] and [Open]), no pathnames with newlines.
package git
