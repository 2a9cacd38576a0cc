package server

import (
	"log/slog"
	"os"
	"strings"
)

// tellHTTP2 says, where HTTP/2 is spoken at all, whether net/http lets WebSockets in
// over it, and who has them over HTTP/1.1 instead.
func (s *Server) tellHTTP2() {
	for _, place := range s.places {
		protocols := place.server.Protocols
		if !protocols.UnencryptedHTTP2() && !(place.tls && protocols.HTTP2()) {
			continue
		}
		if strings.Contains(os.Getenv("GODEBUG"), extendedConnect) { // as net/http looks
			s.log(slog.LevelInfo, "server: WebSockets over HTTP/2 are on")
		} else {
			s.log(slog.LevelInfo, "server: WebSockets over HTTP/2 are off, browsers open them over "+
				"HTTP/1.1; to have them, start the process with GODEBUG="+extendedConnect)
		}
		return
	}
}

const extendedConnect = "http2xconnect=1"
