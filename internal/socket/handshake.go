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
	if _, ok := r.Header["Sec-Websocket-Key"]; ok {
		return true
	}
	upgrade := r.Header["Upgrade"]
	return len(upgrade) > 0 && hasToken(upgrade, "websocket")
}

// HandshakeError is a handshake that can't be answered with a WebSocket. Status
// is 400, 405 or 426; Header goes with it.
type HandshakeError struct {
	Status int
	Header http.Header
	Text   string
}

func (e *HandshakeError) Error() string { return "parley: websocket handshake: " + e.Text }

// Check tells what is wrong with a handshake (RFC 6455, section 4.2.1), or nil.
func Check(r *http.Request) *HandshakeError {
	switch {
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return &HandshakeError{http.StatusUpgradeRequired, http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}, "needs HTTP/1.1"}
	case r.Method != http.MethodGet:
		return &HandshakeError{http.StatusMethodNotAllowed, http.Header{"Allow": {"GET"}}, "method must be GET"}
	case !hasToken(r.Header["Upgrade"], "websocket") || !hasToken(r.Header["Connection"], "upgrade"):
		return &HandshakeError{http.StatusBadRequest, nil, "must say Upgrade: websocket and Connection: Upgrade"}
	case !onlyVersion13(r.Header["Sec-Websocket-Version"]):
		return &HandshakeError{http.StatusUpgradeRequired, http.Header{"Sec-Websocket-Version": {"13"}}, "Sec-WebSocket-Version must be 13"}
	case !validKey(r.Header["Sec-Websocket-Key"]):
		return &HandshakeError{http.StatusBadRequest, nil, "Sec-WebSocket-Key must be one base64 value of 16 bytes"}
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return &HandshakeError{http.StatusBadRequest, nil, "must not carry a body"}
	case !validOffers(r.Header["Sec-Websocket-Protocol"]):
		return &HandshakeError{http.StatusBadRequest, nil, "Sec-WebSocket-Protocol must list different tokens"}
	}
	return nil
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

func validOffers(lines []string) bool {
	seen := map[string]bool{}
	for _, line := range lines {
		for offer := range strings.SplitSeq(line, ",") {
			offer = textproto.TrimString(offer)
			if offer == "" || seen[offer] || strings.ContainsFunc(offer, notToken) {
				return false
			}
			seen[offer] = true
		}
	}
	return true
}

func notToken(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
}

func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(part), token) {
				return true
			}
		}
	}
	return false
}
