package protocol

import "net/http"

// UpgradeRequired is what a plain request is told that has found an app for sockets. Its
// address is right, and "not found" would have people look for another one.
const UpgradeRequired = "This address speaks WebSocket: connect to it with ws:// or wss://."

// OfferUpgrade adds what such an answer has to say to r in its header.
func OfferUpgrade(header http.Header, r *http.Request) {
	if r.ProtoMajor == 1 && r.ProtoMinor == 1 { // other versions have no Upgrade
		header.Set("Upgrade", "websocket")
		header.Add("Connection", "Upgrade")
	}
}
