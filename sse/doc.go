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
// Clients that want to talk back as well, or must do without streams too, are
// better served by a WebSocket app behind package fallback.
package sse
