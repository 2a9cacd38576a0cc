package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/worker"
)

type mail struct{ To string }

func ExampleNew() {
	layer := channel.New(channel.Options{})
	ctx, stop := context.WithCancel(context.Background())
	mailer := worker.New(layer, router.Channels{
		"mail": worker.Job(func(_ context.Context, m mail) error {
			fmt.Println("mail to", m.To)
			stop() // the end of this example
			return nil
		}),
	}, []channel.Name{"mail"}, worker.Options{})
	done := make(chan error)
	go func() { done <- mailer.Run(ctx) }()
	<-mailer.Ready()

	message, _ := channel.JSON("mail.welcome", mail{"ann@example.org"})
	fmt.Println(layer.Send(context.Background(), "mail", message))
	fmt.Println(<-done)
	// Unordered output:
	// <nil>
	// mail to ann@example.org
	// <nil>
}

// A job that fails is tried again, and its message is a dead letter in the end.
func ExampleOptions() {
	layer := channel.New(channel.Options{})
	ctx, stop := context.WithCancel(context.Background())
	mailer := worker.New(layer, worker.Job(func(context.Context, mail) error {
		return fmt.Errorf("no such mailbox")
	}), []channel.Name{"mail"}, worker.Options{
		Attempts: 3,
		Backoff:  func(int) time.Duration { return time.Millisecond },
		Logger:   slog.New(slog.DiscardHandler),
		DeadLetter: func(_ context.Context, letter worker.DeadLetter) {
			fmt.Println(letter.Message.Type(), "after", letter.Attempts, "attempts:", letter.Err)
			stop()
		},
	})
	done := make(chan error)
	go func() { done <- mailer.Run(ctx) }()
	<-mailer.Ready()

	message, _ := channel.JSON("mail.welcome", mail{"nobody@example.org"})
	_ = layer.Send(context.Background(), "mail", message)
	fmt.Println(<-done)
	// Output:
	// mail.welcome after 3 attempts: no such mailbox
	// <nil>
}

// Messages that are kept until a worker has dealt with them, over Redis or NATS, or as
// here in memory.
func ExampleNewDurable() {
	var broker channel.Broker
	queue := worker.NewQueue(broker.Connect().(channel.Jobs), worker.QueueOptions{})
	message, _ := channel.JSON("mail.welcome", mail{"ann@example.org"})
	fmt.Println(queue.Send(context.Background(), "mail", message)) // no worker runs yet

	ctx, stop := context.WithCancel(context.Background())
	failures := 1
	app := worker.Job(func(_ context.Context, m mail) error {
		if failures > 0 {
			failures--
			return fmt.Errorf("the mail server is busy")
		}
		fmt.Println("mail to", m.To)
		stop() // the end of this example
		return nil
	})
	mailer := worker.NewDurable(queue, app, []channel.Name{"mail"}, worker.Options{
		Logger: slog.New(slog.DiscardHandler),
	})
	fmt.Println(mailer.Run(ctx), mailer.Stats().Done, mailer.Stats().Retried)
	// Output:
	// <nil>
	// mail to ann@example.org
	// <nil> 1 1
}
