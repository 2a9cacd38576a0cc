//go:build unix

package benchmarks

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkBurst publishes 600 messages of 128 bytes to 1000 sockets as fast as
// the server can and reports deliveries per second, the server's CPU time per
// delivery, and what was lost or out of order.
func BenchmarkBurst(b *testing.B) {
	const sockets, messages, size = 1000, 600, 128
	rates, costs := map[string][]float64{}, map[string][]float64{}
	amiss := map[string]int64{}
	for b.Loop() {
		for kind := range broadcasters {
			a := gather(b, kind, sockets)
			before := a.ask("/cpu")
			heard, took := a.publish(messages, size)
			rates[kind] = append(rates[kind], float64(heard)/took.Seconds())
			costs[kind] = append(costs[kind], float64(a.ask("/cpu")-before)/float64(heard))
			amiss[kind] += sockets*messages - heard + a.disorder.Load()
			a.leave()
		}
	}
	for kind := range broadcasters {
		b.ReportMetric(median(rates[kind]), kind+"-deliveries/s")
		b.ReportMetric(median(costs[kind]), kind+"-cpu-ns/delivery")
		b.ReportMetric(float64(amiss[kind])/float64(b.N), kind+"-amiss")
	}
	b.ReportMetric(median(rates["kit"])/median(rates["melody"]), "rate-x-melody")
	b.ReportMetric(median(rates["kit"])/median(rates["centrifuge"]), "rate-x-centrifuge")
}

// BenchmarkInFlight publishes one message at a time to 5000 sockets, the next when
// all have heard the last, and reports the server's CPU time per delivery and the
// 99th percentile of the latency.
func BenchmarkInFlight(b *testing.B) {
	const sockets, size = 5000, 128
	kit, melody := gather(b, "kit", sockets), gather(b, "melody", sockets)
	var cpu [2]time.Duration
	publications := 0
	b.ResetTimer()
	for b.Loop() {
		for i, a := range []*audience{kit, melody} {
			before := a.ask("/cpu")
			for range 20 {
				a.publish(1, size)
			}
			cpu[i] += time.Duration(a.ask("/cpu") - before)
		}
		publications += 20
	}
	deliveries := float64(publications * sockets)
	b.ReportMetric(float64(cpu[0].Nanoseconds())/deliveries, "kit-cpu-ns/delivery")
	b.ReportMetric(float64(cpu[0])/float64(cpu[1]), "cpu-x-melody")
	b.ReportMetric(float64(kit.p99().Microseconds()), "kit-p99-µs")
	b.ReportMetric(float64(kit.p99())/float64(melody.p99()), "p99-x-melody")
}

// BenchmarkMembers shows that a delivery costs the same however many members a
// group has.
func BenchmarkMembers(b *testing.B) {
	for _, sockets := range []int{100, 1000, 5000, 10000} {
		b.Run(fmt.Sprint(sockets), func(b *testing.B) {
			a := gather(b, "kit", sockets)
			const messages = 100
			before, heard := a.ask("/cpu"), int64(0)
			b.ResetTimer()
			for b.Loop() {
				n, _ := a.publish(messages, 128)
				heard += n
			}
			b.ReportMetric(float64(a.ask("/cpu")-before)/float64(heard), "cpu-ns/delivery")
		})
	}
}

func (a *audience) p99() time.Duration {
	var all []int64
	for i := range a.latencies {
		if ns := a.latencies[i].Load(); ns != 0 {
			all = append(all, ns)
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return time.Duration(all[len(all)*99/100])
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
