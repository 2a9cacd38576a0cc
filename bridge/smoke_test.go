package bridge

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := New(Options{Capacity: 1, Engine: Goroutines{}})
		ctx := With(context.Background(), b)
		f := SyncToAsync(func(ctx context.Context, d time.Duration) (int, error) { time.Sleep(d); return syscall.Gettid(), nil })
		a, c := f(ctx, time.Second), f(ctx, time.Second)
		begin := time.Now()
		t.Log(a.Await(ctx))
		t.Log(c.Await(ctx))
		t.Log(time.Since(begin))
		sctx, end := ThreadSensitive(ctx)
		pool := SyncToAsync0(func(ctx context.Context) (int, error) { return f(ctx, 0).Await(ctx) }, Pooled())
		leave := AsyncToSync0(func(ctx context.Context) (int, error) { return pool(ctx).Await(ctx) })
		x := SyncToAsync0(func(ctx context.Context) (int, error) {
			t.Log(syscall.Gettid())
			t.Log(f(ctx, 0).Await(ctx))
			t.Log(pool(ctx).Await(ctx))
			return leave(ctx)
		})
		t.Log(x(sctx).Await(sctx))
		t.Log(end())
		t.Logf("%+v", b.Stats())
		t.Log(b.Close(ctx))
	})
}

func BenchmarkBare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ch := make(chan int, 1)
		go func() { ch <- 1 }()
		<-ch
	}
}

func BenchmarkPool(b *testing.B) {
	br, _ := New(Options{})
	ctx := With(context.Background(), br)
	f := SyncToAsync(func(ctx context.Context, d int) (int, error) { return 0, nil })
	b.ReportAllocs()
	for b.Loop() {
		f(ctx, 1).Await(ctx)
	}
}
func BenchmarkBare64(b *testing.B) {
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ch := make(chan int, 1)
			go func() { ch <- 1 }()
			<-ch
		}
	})
}

func BenchmarkPool64(b *testing.B) {
	br, _ := New(Options{})
	ctx := With(context.Background(), br)
	f := SyncToAsync(func(ctx context.Context, d int) (int, error) { return 0, nil })
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f(ctx, 1).Await(ctx)
		}
	})
}
func BenchmarkLane64(b *testing.B) {
	br, _ := New(Options{})
	ctx, end := ThreadSensitive(With(context.Background(), br))
	defer end()
	f := SyncToAsync(func(ctx context.Context, d int) (int, error) { return 0, nil })
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f(ctx, 1).Await(ctx)
		}
	})
}
func BenchmarkLane1(b *testing.B) {
	br, _ := New(Options{})
	ctx, end := ThreadSensitive(With(context.Background(), br))
	defer end()
	f := SyncToAsync(func(ctx context.Context, d int) (int, error) { return 0, nil })
	b.ReportAllocs()
	for b.Loop() {
		f(ctx, 1).Await(ctx)
	}
}
func BenchmarkScope(b *testing.B) {
	br, _ := New(Options{})
	ctx := With(context.Background(), br)
	b.ReportAllocs()
	for b.Loop() {
		func() {
			_, end := ThreadSensitive(ctx)
			defer end()
		}()
	}
}
