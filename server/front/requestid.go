package front

import (
	"crypto/rand"
	"net/http"
)

// requestIDHeader names a request to who asks and who operates: an id of the client's
// if it is one, else a new one. OpenAI's clients show what they get.
const requestIDHeader = "X-Request-Id"

// requestIDBytes bounds a client's id: twice what tools make.
const requestIDBytes = 128

// requestID is the id of a request.
func requestID(header http.Header) string {
	if sent := header[requestIDHeader]; len(sent) == 1 && isRequestID(sent[0]) {
		return sent[0]
	}
	return "req_" + rand.Text()
}

// isRequestID reports whether an id is short, and of letters that mean nothing to logs,
// shells and pages.
func isRequestID(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=', c == '@':
		default:
			return false
		}
	}
	return id != "" && len(id) <= requestIDBytes
}
