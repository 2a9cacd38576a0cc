package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/redis/rueidis"
)

// Jobs are a stream with a group of consumers, and a set that says when those which are
// held, or pause, may be taken.
var (
	//go:embed jobs.lua
	jobsLua string

	takeScript  = jobsScript("return take(ARGV[1], ARGV[2])")
	pauseScript = jobsScript("return pause(ARGV[1], ARGV[2], ARGV[3])")
	doneScript  = jobsScript("return done(ARGV[1], ARGV[2])")
)

func jobsScript(last string) *rueidis.Lua { return rueidis.NewLuaScript(clockLua + jobsLua + last) }

// longestLook is how long a taker waits before it looks again, whatever it hears.
const longestLook = 5 * time.Second

func (t *Transport) jobKeys(subject string) []string {
	return []string{t.names.of(work, subject), t.names.of(due, subject), t.names.of(clock, subject)}
}

// Enqueue implements channel.Jobs.
func (t *Transport) Enqueue(ctx context.Context, subject string, payload []byte) error {
	if err := t.admits(ctx); err != nil {
		return err
	}
	add := t.client.B().Xadd().Key(t.names.of(work, subject)).Id("*").
		FieldValue().FieldValue("job", rueidis.BinaryString(payload)).Build()
	results := t.client.DoMulti(ctx, add, t.publish(t.names.of(gong, subject), nil))
	return t.failed(ctx, "enqueue", results[0].Error()) // else takers find it later
}

// Take implements channel.Jobs.
func (t *Transport) Take(
	ctx context.Context, subject string, limit int, hold time.Duration,
) ([]channel.Held, error) {
	if err := t.admits(ctx); err != nil {
		return nil, err
	}
	taken, _, err := t.takeJobs(ctx, subject, limit, hold)
	if err != nil || len(taken) > 0 {
		return taken, t.failed(ctx, "take job", err)
	}
	heard := make(chan struct{}, 1)
	listening, err := t.subscribe(ctx, gong, subject, func([]byte) { ring(heard) })
	if err != nil {
		return nil, err
	}
	defer func() { _ = listening.Unsubscribe() }()
	var next time.Duration
	for {
		taken, next, err = t.takeJobs(ctx, subject, limit, hold)
		if err != nil || len(taken) > 0 {
			return taken, t.failed(ctx, "take job", err)
		}
		if err = t.await(ctx, heard, next); err != nil {
			return nil, fmt.Errorf("redis: take job: %w", err)
		}
	}
}

// await waits until it is time to look again, and returns why there is no use.
func (t *Transport) await(ctx context.Context, heard <-chan struct{}, next time.Duration) error {
	timer := time.NewTimer(next)
	defer timer.Stop()
	select {
	case <-heard:
	case <-timer.C:
	case <-t.work.Done():
	case <-ctx.Done():
	}
	return t.admits(ctx)
}

// takeJobs takes what there is, or says when to look again. It is not given up once it
// has begun: what is taken would be nobody's for a while.
func (t *Transport) takeJobs(
	ctx context.Context, subject string, limit int, hold time.Duration,
) (taken []channel.Held, next time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.options.Timeout)
	defer cancel()
	answer, err := takeScript.Exec(ctx, t.client, t.jobKeys(subject),
		[]string{strconv.Itoa(max(limit, 1)), milliseconds(hold)}).ToMessage()
	if err != nil {
		return nil, 0, err
	}
	if answer.IsInt64() {
		wait, _ := answer.AsInt64()
		return nil, untilLook(wait), nil
	}
	jobs, err := answer.ToArray()
	if err != nil {
		return nil, 0, err
	}
	taken = make([]channel.Held, len(jobs))
	for i, job := range jobs {
		if taken[i], err = readJob(job); err != nil {
			return nil, 0, err
		}
	}
	return taken, 0, nil
}

// untilLook is how long to wait when there is something in so many milliseconds, or
// never for all that is known.
func untilLook(wait int64) time.Duration {
	if wait < 0 || wait >= longestLook.Milliseconds() {
		return longestLook
	}
	return time.Duration(wait+1) * time.Millisecond
}

func readJob(message rueidis.RedisMessage) (channel.Held, error) {
	parts, err := message.ToArray()
	if err != nil || len(parts) != 3 {
		return channel.Held{}, errAnswer
	}
	id, err1 := parts[0].ToString()
	takes, err2 := parts[1].AsInt64()
	payload, err3 := parts[2].ToString()
	if err1 != nil || err2 != nil || err3 != nil {
		return channel.Held{}, errAnswer
	}
	return channel.Held{ID: id, Takes: int(takes), Payload: bytesOf(payload)}, nil
}

// Hold implements channel.Jobs.
func (t *Transport) Hold(
	ctx context.Context, subject string, job channel.Held, hold time.Duration,
) error {
	return t.settle(ctx, "hold job", pauseScript, subject, job, milliseconds(hold))
}

// Retry implements channel.Jobs.
func (t *Transport) Retry(
	ctx context.Context, subject string, job channel.Held, pause time.Duration,
) error {
	err := t.settle(ctx, "retry job", pauseScript, subject, job, milliseconds(pause))
	if err == nil { // who waits should know by when to look, and looks again anyway
		_ = t.client.Do(ctx, t.publish(t.names.of(gong, subject), nil)).Error()
	}
	return err
}

// Done implements channel.Jobs.
func (t *Transport) Done(ctx context.Context, subject string, job channel.Held) error {
	return t.settle(ctx, "end job", doneScript, subject, job)
}

func (t *Transport) settle(
	ctx context.Context, doing string, script *rueidis.Lua,
	subject string, job channel.Held, args ...string,
) error {
	if err := t.admits(ctx); err != nil {
		return err
	}
	args = append([]string{job.ID, strconv.Itoa(job.Takes)}, args...)
	ours, err := script.Exec(ctx, t.client, t.jobKeys(subject), args).AsInt64()
	if err == nil && ours == 0 {
		err = channel.ErrNotHeld
	}
	return t.failed(ctx, doing, err)
}
