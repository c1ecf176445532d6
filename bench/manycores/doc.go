// Package manycores declares a bar on scaling: members of a group are woken as
// often on each processor of a large machine as on each of a small one.
//
// measure/ is its command.
package manycores
