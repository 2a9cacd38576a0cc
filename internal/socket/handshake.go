package socket

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"strings"
)

// Requested reports whether r asks for a WebSocket, well-formed or not: it wants to
// upgrade to "websocket", or brings the key that only a WebSocket has.
func Requested(r *http.Request) bool {
	if _, ok := r.Header["Sec-Websocket-Key"]; ok || Extended(r) {
		return true
	}
	lines := r.Header["Upgrade"]
	if len(lines) == 0 {
		return false
	}
	listed, _ := inList(lines, "websocket", isProtocol)
	return listed
}

// HandshakeError is a handshake that can't be answered with a WebSocket. Status
// is 400, 405 or 426; Header goes with it.
type HandshakeError struct {
	Status int
	Header http.Header
	Text   string
}

func (e *HandshakeError) Error() string { return "parley: websocket handshake: " + e.Text }

// Check returns what is wrong with a handshake (RFC 6455, section 4.2.1, and RFC 8441,
// section 5), or nil.
func Check(r *http.Request) *HandshakeError {
	if Extended(r) {
		return checkOffer(r)
	}
	switch {
	case r.ProtoMajor > 1: // whose answers may not say Upgrade
		return &HandshakeError{http.StatusUpgradeRequired, nil, "needs HTTP/1.1"}
	case !r.ProtoAtLeast(1, 1):
		return &HandshakeError{http.StatusUpgradeRequired,
			http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}, "needs HTTP/1.1"}
	case r.Method != http.MethodGet:
		return &HandshakeError{http.StatusMethodNotAllowed,
			http.Header{"Allow": {"GET"}}, "method must be GET"}
	case !lists(r.Header["Upgrade"], "websocket", isProtocol),
		!lists(r.Header["Connection"], "upgrade", isToken):
		return badRequest("must say Upgrade: websocket and Connection: Upgrade")
	case !validKey(r.Header["Sec-Websocket-Key"]):
		return badRequest("Sec-WebSocket-Key must be one base64 value of 16 bytes")
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return badRequest("must not carry a body")
	}
	return checkOffer(r)
}

// checkOffer checks what a handshake says of the socket that it wants.
func checkOffer(r *http.Request) *HandshakeError {
	switch {
	case !onlyVersion13(r.Header["Sec-Websocket-Version"]):
		return &HandshakeError{http.StatusUpgradeRequired,
			http.Header{"Sec-Websocket-Version": {"13"}}, "Sec-WebSocket-Version must be 13"}
	case !validOffers(r.Header["Sec-Websocket-Protocol"]):
		return badRequest("Sec-WebSocket-Protocol must list different tokens")
	}
	if _, ok := parseExtensions(r.Header["Sec-Websocket-Extensions"]); !ok {
		return badRequest("Sec-WebSocket-Extensions is malformed")
	}
	return nil
}

func badRequest(text string) *HandshakeError {
	return &HandshakeError{http.StatusBadRequest, nil, text}
}

func onlyVersion13(versions []string) bool {
	return len(versions) == 1 && textproto.TrimString(versions[0]) == "13"
}

func validKey(keys []string) bool {
	if len(keys) != 1 {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(textproto.TrimString(keys[0]))
	return err == nil && len(key) == 16
}

// validOffers checks a list of subprotocols, which has an element if it is there.
func validOffers(lines []string) bool {
	seen := map[string]bool{}
	for _, line := range lines {
		for offer := range strings.SplitSeq(line, ",") {
			if offer = textproto.TrimString(offer); offer == "" {
				continue
			}
			if seen[offer] || !isToken(offer) || len(seen) == maxOffered {
				return false
			}
			seen[offer] = true
		}
	}
	return len(lines) == 0 || len(seen) > 0
}

// lists reports whether a header is well formed and has an element.
func lists(lines []string, element string, valid func(string) bool) bool {
	listed, ok := inList(lines, element, valid)
	return listed && ok
}

// inList looks for an element in a header that is a list (RFC 9110, section
// 5.6.1), whose empty elements do not count. ok means that all others are valid.
func inList(lines []string, element string, valid func(string) bool) (listed, ok bool) {
	ok = true
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if part = textproto.TrimString(part); part == "" {
				continue
			}
			listed = listed || strings.EqualFold(part, element)
			ok = ok && valid(part)
		}
	}
	return listed, ok
}

// isProtocol reports whether s is a protocol of Upgrade: a name, and perhaps a
// version.
func isProtocol(s string) bool {
	name, version, versioned := strings.Cut(s, "/")
	return isToken(name) && (!versioned || isToken(version))
}

func isToken(s string) bool { return s != "" && !strings.ContainsFunc(s, notToken) }

func notToken(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
}
