package schema

import "math/big"

// What the formats are made of.
const (
	octet  = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	label  = `[A-Za-z0-9]([A-Za-z0-9-]{0,60}[A-Za-z0-9])?`
	hour   = `([01][0-9]|2[0-3])`
	sixty  = `[0-5][0-9]`
	offset = `(Z|[+-]` + hour + `:` + sixty + `)`
	clock  = hour + `:` + sixty + `:` + sixty + `(\.[0-9]{1,9})?` + offset
	leap   = `([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)`
	day    = `([0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])` +
		`|[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)` +
		`|[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])|` + leap + `-02-29)`
	period = `P([0-9]{1,4}W` +
		`|(([0-9]{1,4}Y([0-9]{1,4}M([0-9]{1,4}D)?)?|[0-9]{1,4}M([0-9]{1,4}D)?|[0-9]{1,4}D)(T` + span + `)?|T` + span + `))`
	span = `([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S)`
)

// Formats are the formats of strings that are kept, as regular expressions. They
// allow no more than the format does, and of email, hostname, ipv6 and uri the
// common forms: no quotes, no "::", no user.
var Formats = map[string]string{
	"date":      `^` + day + `$`,
	"time":      `^` + clock + `$`,
	"date-time": `^` + day + `T` + clock + `$`,
	"duration":  `^` + period + `$`,
	"uuid":      `^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`,
	"ipv4":      `^` + octet + `(\.` + octet + `){3}$`,
	"ipv6":      `^[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){7}$`,
	"hostname":  `^` + label + `(\.` + label + `){0,3}$`,
	"email":     `^[A-Za-z0-9_+-]{1,32}(\.[A-Za-z0-9_+-]{1,31})?@` + label + `(\.` + label + `){1,3}$`,
	"uri":       `^[a-z][a-z0-9+-]{1,15}://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~+-]*)*(\?[A-Za-z0-9._~=&+-]*)?(#[A-Za-z0-9._~-]*)?$`,
}

func mulTen(r *big.Rat) *big.Rat { return new(big.Rat).Mul(r, big.NewRat(10, 1)) }
