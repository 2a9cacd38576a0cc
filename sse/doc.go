// Package sse serves streams of server-sent events, which browsers read with
// EventSource.
//
//	app := sse.Func(func(ctx context.Context, stream *sse.Stream) error {
//		for price := range prices(ctx) {
//			if err := stream.Send(ctx, sse.Event{Name: "price", Data: price}); err != nil {
//				return err // the client is gone
//			}
//		}
//		return nil
//	}, sse.Options{})
//
// A client that comes back says in Last-Event-ID what it has heard last. Where events
// are messages of a group that a channel layer keeps, and their ids its positions, a
// stream goes on there: see the example of a history.
//
// Clients that want to talk back as well, or must do without streams too, are
// better served by a WebSocket app behind package fallback.
package sse
