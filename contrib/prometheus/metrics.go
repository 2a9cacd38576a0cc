package parleyprometheus

import (
	"iter"

	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/server"
)

var ofGateway = []string{"gateway"}

var gatewayMetrics = []metric[nethttp.Stats]{
	gauge("http_requests_in_flight", "HTTP requests that are being served.", ofGateway,
		func(s nethttp.Stats) int { return s.Requests }),
	counter("http_requests_total", "HTTP requests that have ended.", ofGateway,
		func(s nethttp.Stats) uint64 { return s.Served }),
	histogram("http_request_duration_seconds",
		"How long HTTP requests were served, streams included, of one in sixteen.", ofGateway,
		nethttp.HandlerTimeBounds(), func(s nethttp.Stats) nethttp.Histogram { return s.HandlerTime }),
	gauge("websockets_open", "WebSockets that are open.", ofGateway,
		func(s nethttp.Stats) int { return s.WebSockets }),
	counters("websocket_handshakes_total", "WebSocket handshakes that were answered.", ofGateway,
		"answer", func(s nethttp.Stats) iter.Seq2[string, uint64] {
			return pairs("accepted", s.Accepted, "denied", s.Denied, "refused", s.Refused)
		}),
	counters("websocket_close_codes_total", "WebSockets that have ended, by close code.", ofGateway,
		"code", func(s nethttp.Stats) iter.Seq2[string, uint64] { return s.CloseCodes.All() }),
	counters("websocket_close_causes_total", "WebSockets that have ended, by what has ended them.",
		ofGateway, "cause",
		func(s nethttp.Stats) iter.Seq2[string, uint64] { return s.CloseCauses.All() }),
	counters("websocket_messages_total", "Messages of WebSockets.", ofGateway,
		"direction", func(s nethttp.Stats) iter.Seq2[string, uint64] {
			return pairs("in", s.MessagesIn, "out", s.MessagesOut)
		}),
	counters("websocket_message_bytes_total", "Bytes of these messages, before compression.",
		ofGateway, "direction", func(s nethttp.Stats) iter.Seq2[string, uint64] {
			return pairs("in", s.BytesIn, "out", s.BytesOut)
		}),
	histogram("websocket_queue_messages",
		"Messages that waited for the peer, seen each time when one more was sent.", ofGateway,
		nethttp.QueueDepthBounds(), func(s nethttp.Stats) nethttp.Histogram { return s.QueueDepth }),
	counter("slow_consumers_total", "Conversations cut since their clients took nothing.", ofGateway,
		func(s nethttp.Stats) uint64 { return s.SlowConsumers }),
	counter("panics_total", "Apps and handlers that panicked or ended their goroutine.", ofGateway,
		func(s nethttp.Stats) uint64 { return s.Panics }),
	counter("conversations_leaked_total", "Conversations whose app went on when they were over.",
		ofGateway, func(s nethttp.Stats) uint64 { return s.Leaked }),
	gauge("draining", "1 while conversations are told to end.", ofGateway,
		func(s nethttp.Stats) int { return toInt(s.Draining) }),
}

var serverMetrics = []metric[server.Stats]{
	gauge("ready", "1 while the process wants traffic.", nil,
		func(s server.Stats) int { return toInt(s.Ready) }),
	counter("apps_leaked_total", "Apps that went on when their conversation was over.", nil,
		func(s server.Stats) uint64 { return s.Leaked }),
	gauge("connections_open", "Connections that are open, without WebSockets over HTTP/1.", nil,
		func(s server.Stats) int { return s.Connections }),
	counter("connections_accepted_total", "Connections that were accepted.", nil,
		func(s server.Stats) uint64 { return s.Accepted }),
	counter("connections_refused_total", "Connections that were one too many.", nil,
		func(s server.Stats) uint64 { return s.Refused }),
	counter("accept_errors_total", "Connections that could not be accepted.", nil,
		func(s server.Stats) uint64 { return s.AcceptErrors }),
	counter("tls_handshake_errors_total", "TLS handshakes that failed.", nil,
		func(s server.Stats) uint64 { return s.TLSErrors }),
	gauge("fallback_sessions", "Clients without a WebSocket.", nil,
		func(s server.Stats) int { return s.Sessions }),
	counter("fallback_sessions_opened_total", "Sessions of clients without a WebSocket.", nil,
		func(s server.Stats) uint64 { return s.SessionsOpened }),
	counter("fallback_sessions_refused_total", "Clients without a WebSocket that got no session.", nil,
		func(s server.Stats) uint64 { return s.SessionsRefused }),
	counter("fallback_sessions_lost_total", "Sessions whose client has not come back.", nil,
		func(s server.Stats) uint64 { return s.SessionsLost }),
	counter("fallback_sessions_slow_total", "Sessions ended since their client did not read.", nil,
		func(s server.Stats) uint64 { return s.SessionsSlow }),
	counter("fallback_panics_total", "Apps of clients without a WebSocket that did not return.", nil,
		func(s server.Stats) uint64 { return s.SessionsPanics }),
	counters("fallback_messages_total", "Messages of clients without a WebSocket.", nil,
		"direction", func(s server.Stats) iter.Seq2[string, uint64] {
			return pairs("in", s.SessionsIn, "out", s.SessionsOut)
		}),
}

var ofBridge = []string{"bridge"}

var bridgeMetrics = []metric[bridge.Stats]{
	gauge("bridge_capacity", "Functions that may be at work on the pool.", ofBridge,
		func(s bridge.Stats) int { return s.Capacity }),
	gauge("bridge_calls_running", "Functions at work.", ofBridge,
		func(s bridge.Stats) int { return s.Running }),
	gauge("bridge_calls_parked", "Functions that wait inside the bridge.", ofBridge,
		func(s bridge.Stats) int { return s.Parked }),
	gauge("bridge_calls_queued", "Calls whose function has not begun.", ofBridge,
		func(s bridge.Stats) int { return s.Queued }),
	gauge("bridge_calls_abandoned", "Functions whose call is over.", ofBridge,
		func(s bridge.Stats) int { return s.Abandoned }),
	gauge("bridge_lanes", "Lanes with a thread.", ofBridge,
		func(s bridge.Stats) int { return s.Lanes }),
	gauge("bridge_lanes_starving", "Lanes that wait for a thread.", ofBridge,
		func(s bridge.Stats) int { return s.Starving }),
	counter("bridge_calls_served_total", "Functions that have returned.", ofBridge,
		func(s bridge.Stats) uint64 { return s.Served }),
	counter("bridge_calls_rejected_total", "Calls that found no room or no thread.", ofBridge,
		func(s bridge.Stats) uint64 { return s.Rejected }),
}

var ofLayer = []string{"layer"}

var layerMetrics = []metric[channel.LayerStats]{
	gauge("channel_inboxes", "Inboxes that are open.", ofLayer,
		func(s channel.LayerStats) int { return s.Inboxes }),
	gauge("channel_groups", "Groups with a member in this process.", ofLayer,
		func(s channel.LayerStats) int { return s.Groups }),
	gauge("channel_members", "Memberships of groups in this process.", ofLayer,
		func(s channel.LayerStats) int { return s.Members }),
	gauge("channel_messages_unread", "Messages that wait to be read.", ofLayer,
		func(s channel.LayerStats) int { return s.Unread }),
	gauge("channel_subscriptions", "Subjects of the transport that are subscribed to.", ofLayer,
		func(s channel.LayerStats) int { return s.Subscriptions }),
	counters("channel_messages_sent_total", "Messages to inboxes: taken, or dropped for want of room.",
		ofLayer, "outcome", func(s channel.LayerStats) iter.Seq2[string, uint64] {
			return pairs("enqueued", s.Enqueued, "dropped", s.Dropped)
		}),
	counters("channel_messages_settled_total", "What became of messages that were taken.", ofLayer,
		"outcome", func(s channel.LayerStats) iter.Seq2[string, uint64] {
			return pairs("received", s.Received, "evicted", s.Evicted, "coalesced", s.Coalesced,
				"expired", s.Expired, "discarded", s.Discarded)
		}),
	counter("channel_envelopes_published_total", "Envelopes given to the transport.", ofLayer,
		func(s channel.LayerStats) uint64 { return s.Published }),
	counter("channel_envelopes_bad_total", "Envelopes of the transport that made no sense.", ofLayer,
		func(s channel.LayerStats) uint64 { return s.BadEnvelopes }),
	counter("channel_resyncs_total", "Inboxes told that they may have missed messages.", ofLayer,
		func(s channel.LayerStats) uint64 { return s.Resyncs }),
	counter("channel_gaps_total", "Gaps in kept groups, of which their members are told.", ofLayer,
		func(s channel.LayerStats) uint64 { return s.Gaps }),
	counter("channel_mismatches_total", "Times another layer kept a group in another way.", ofLayer,
		func(s channel.LayerStats) uint64 { return s.Mismatches }),
}
