package front

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Loopback returns a handler for listeners that take plain HTTP on addresses of their
// own machine, which the operator calls hosts. It refuses what a page of another site
// may ask that gives its own name that address (DNS rebinding): to its browser it is on
// this server's origin, so that [Origins] and CORS do not hold it back. Such a request
// says the site's name in Host. Addresses are let through, localhost and what is below
// it, hosts, and the hosts of origins; if origins are all, so is every host. No browser
// comes by a socket in the file system.
//
// A proxy before the listener may pass on the name that it is called by. Its clients
// are let through, but for those that may be a browser that came to it by plain HTTP:
// nothing tells them from such a page. A browser sends Accept-Language always and
// Origin with each POST, and a script cannot keep it from that. It sends Sec-Fetch-Mode
// over TLS and to localhost alone, and no script can (https://w3c.github.io/webappsec-fetch-metadata/).
func Loopback(next http.Handler, hosts []string, origins Origins) http.Handler {
	if origins.any {
		return next
	}
	known := map[string]bool{"": true, "localhost": true} // "": HTTP/1.0
	for _, host := range hosts {
		known[hostName(host)] = true
	}
	for origin := range origins.listed {
		if u, err := url.Parse(origin); err == nil {
			known[hostName(u.Host)] = true
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		name := hostName(q.Host)
		_, err := netip.ParseAddr(name)
		if err != nil && !known[name] && !strings.HasSuffix(name, ".localhost") && mayBeRebound(q.Header) && !bySocket(q) {
			http.Error(w, "this server is not known by that name: ask for localhost, or have the operator name the page's origin with --cors-origins",
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, q)
	})
}

// hostName is a host without its port, as names are compared.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// mayBeRebound reports whether a browser may have sent a request to a name by plain
// HTTP.
func mayBeRebound(header http.Header) bool {
	origin := header.Get("Origin")
	if header.Get("Sec-Fetch-Mode") != "" || strings.HasPrefix(strings.ToLower(origin), "https://") {
		return false
	}
	return origin != "" || len(header["Accept-Language"]) > 0
}

// bySocket reports whether a request came by a socket in the file system.
func bySocket(q *http.Request) bool {
	address, ok := q.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && address.Network() == "unix"
}
