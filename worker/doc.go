// Package worker has an app deal with messages that are sent to named channels,
// in the background: with retries, and a place for what has failed for good.
//
// A whole program, a server that mails its guests without making them wait:
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/http"
//		"os"
//		"os/signal"
//
//		"github.com/parleygo/parley/channel"
//		"github.com/parleygo/parley/router"
//		"github.com/parleygo/parley/worker"
//	)
//
//	type mail struct{ To string }
//
//	func send(ctx context.Context, m mail) error {
//		log.Println("mail to", m.To)
//		return nil // an error: once more, after a pause
//	}
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//		defer stop()
//		layer := channel.New(channel.Options{})
//		mailer := worker.New(layer, router.Channels{"mail": worker.Job(send)},
//			[]channel.Name{"mail"}, worker.Options{})
//		http.HandleFunc("POST /guests", func(w http.ResponseWriter, r *http.Request) {
//			message, err := channel.JSON("mail.welcome", mail{To: r.FormValue("email")})
//			if err == nil {
//				err = layer.Send(r.Context(), "mail", message)
//			}
//			if err != nil {
//				http.Error(w, "try again", http.StatusServiceUnavailable)
//			}
//		})
//		go http.ListenAndServe("127.0.0.1:8080", nil)
//		if err := mailer.Run(ctx); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # What becomes of a message
//
// Each message is a conversation of its own, in a scope whose Channel is the
// channel's name. The app is done with the message when it returns nil. Any other
// error, a panic and an exit of its goroutine have it served again after a pause,
// up to Options.Attempts times in all. A message that the app rejects
// ([ErrReject]), or that no app is for, is not tried again. What has failed for
// good goes to Options.DeadLetter.
//
// A message that waits for its next attempt keeps its place among the
// Options.Concurrency of its channel: with the default of 1 the order is kept.
//
// # The end
//
// When the context of Run ends the worker begins nothing more. What it has not
// begun, and what waits for another attempt, it sends back to the channel, where
// a worker of another process takes it; if that fails, as it does where this
// worker was the only one, it goes to Options.DeadLetter with an error that is
// parley.ErrDraining. Jobs that run may go on for Options.Grace.
//
// The layer delivers a message at most once: what a process held in memory when
// it was killed is lost, and so is what waits for longer than the layer's Expiry
// before a worker begins it.
//
// # What must not be lost
//
// A [Queue] keeps messages at a broker: over Redis or NATS, or in memory for tests. Who
// sends one goes on when the broker has it, whether a worker runs or not:
//
//	queue := worker.NewQueue(transport, worker.QueueOptions{}) // such as redis.New's
//	err := queue.Send(ctx, "mail", message)
//	mailer := worker.NewDurable(queue, app, []channel.Name{"mail"}, worker.Options{})
//
// The broker has a message until a worker is done with it. Between attempts it waits
// there, and whoever is free makes the next one; attempts are counted over all workers.
// If a worker dies in the middle of one, others make the next when Options.Hold is
// over. So a message is served at least once, and sometimes again: what a job does
// should bear that. A worker that is cut off for so long that its message is another's
// is told by its ctx, which ends with the cause channel.ErrNotHeld.
//
// What has failed for good goes to the channel NAME.dead of the same queue, and is told
// to Options.DeadLetter. A worker of that channel can deal with it; what it fails with is
// gone. When Run ends, messages stay where they are.
package worker
