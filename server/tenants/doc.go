// Package tenants says who a key's holder is, and keeps each holder within its
// bounds.
//
// # Model
//
// A [File] is the operator's key file in force. It holds no keys but their SHA-256:
//
//	{"keys": [
//	  {"name": "acme", "sha256": "<64 hexadecimal digits>", "tier": "priority", "weight": 3},
//	  {"name": "lab",  "sha256": "<64 hexadecimal digits>", "tokens_per_minute": 60000, "in_flight": 8}
//	]}
//
//	name               in metrics and logs: letters, digits, ".", "_" and "-"
//	sha256             of the key: `weir keys hash` says it
//	tier               priority, standard or background; default standard
//	weight             share among the keys of a tier; default 1
//	tokens_per_minute  of prompts and answers; default no bound
//	in_flight          requests at the same time; default no bound
//
// What a file says is a [Table], which never changes. Reload reads the file again
// and puts another table in force, at once; a file that is wrong changes nothing.
// A [Tenant] is an entry of a table. What it has used up is kept by its name, and so
// outlives the table.
//
//	file, err := tenants.Open("keys.json")
//	...
//	tenant := file.Table().Find(sha256.Sum256(key)) // nil: nobody's
//	visit, err := tenant.Enter()                    // an *ask.Fault with its bounds used up
//	defer visit.Leave()
//	visit.Spend(promptTokens, 0)
//
// Tokens are counted when they are known, so that a request is admitted whatever it
// will take. A [Bucket] that comes to owe some by that admits nothing until they have
// flowed in.
//
// Keys are found by their hashes. How long that takes depends on the hash, of which
// nobody who does not know the key can choose a part, so the time tells nothing of
// the keys.
//
// Package front asks it for each request. It is no part of the front, so that who lets
// clients in by another way may ask too.
//
// # Limits
//
// A file has at most [MaxFileBytes] and [MaxKeys], a name [MaxNameBytes]. Nothing is
// kept beyond the process: a new one begins with full buckets. A minute's tokens may
// be taken at once, and a debt is never of more than a day. A name that goes with a
// reload and comes back with another begins anew.
package tenants
