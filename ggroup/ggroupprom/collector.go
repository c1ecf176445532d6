package ggroupprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
)

// A Collector reads [ggroup.Groups] at each scrape. It may be used from
// several goroutines.
type Collector struct {
	goroutines  *prometheus.Desc
	created     *prometheus.Desc
	running     *prometheus.Desc
	wait        *prometheus.Desc
	preemptions *prometheus.Desc
	throttled   *prometheus.Desc
	exclusive   *prometheus.Desc
	excused     *prometheus.Desc
	assist      *prometheus.Desc
	deferred    *prometheus.Desc
	deferrals   *prometheus.Desc
	calls       *prometheus.Desc
	aside       *prometheus.Desc
	rested      *prometheus.Desc
	givenBack   *prometheus.Desc
	notInEffect *prometheus.Desc
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes a collector of metrics named go_group_*.
func NewCollector() *Collector {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("go_group_"+name, help, append([]string{"group", "class"}, more...), nil)
	}
	return &Collector{
		goroutines:  desc("goroutines", "Goroutines in the group."),
		created:     desc("goroutines_created_total", "Goroutines created in the group."),
		running:     desc("running_seconds_total", "Time that the group's goroutines ran on processors."),
		wait:        desc("wait_seconds", "Time between a goroutine's becoming ready and its running."),
		preemptions: desc("preemptions_total", "Times that a goroutine of the group was stopped for another one."),
		throttled:   desc("throttled_seconds_total", "Time that goroutines of the group were out of quota."),
		exclusive:   desc("exclusive_processors", "Processors that run this group alone."),
		excused:     desc("gc_assist_excused_bytes_total", "Bytes that the group allocated during collections without marking for them."),
		assist:      desc("gc_assist_seconds_total", "Time that the group's goroutines marked for what they allocated."),
		deferred:    desc("gc_deferred_seconds_total", "Time that collections waited for the group's critical stretches."),
		deferrals:   desc("gc_deferrals_total", "Collections that waited for the group's critical stretches, by what ended the wait.", "end"),
		calls:       desc("compute_calls_total", "C calls of a group whose calls compute on several threads."),
		aside:       desc("compute_aside_seconds_total", "Processors' time that was set aside for such calls."),
		rested:      desc("compute_rested_seconds_total", "Time that such calls rested first, for others' share."),
		givenBack:   desc("compute_given_back_total", "Times that such a call lost processors before its end.", "why"),
		notInEffect: desc("options_not_in_effect", "Options of the group that this runtime does not carry out."),
	}
}

// Describe sends the descriptions of all metrics.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.goroutines, c.created, c.running, c.wait,
		c.preemptions, c.throttled, c.exclusive, c.excused, c.assist, c.deferred, c.deferrals,
		c.calls, c.aside, c.rested, c.givenBack, c.notInEffect} {
		ch <- d
	}
}

type key struct {
	name  string
	class ggroup.Class
}

// Collect sends the metrics of all groups that are open.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	sums := map[key]*ggroup.Stats{}
	for _, g := range ggroup.Groups() {
		s := g.Stats()
		k := key{s.Name, s.Class}
		if sum := sums[k]; sum != nil {
			add(sum, &s)
		} else {
			sums[k] = &s
		}
	}
	for k, s := range sums {
		c.send(ch, s, k.name, k.class.String())
	}
}

func (c *Collector) send(ch chan<- prometheus.Metric, s *ggroup.Stats, labels ...string) {
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, append(labels[:len(labels):len(labels)], more...)...)
	}
	gauge(c.goroutines, float64(s.Goroutines))
	counter(c.created, float64(s.Created))
	counter(c.running, s.Running.Seconds())
	counter(c.preemptions, float64(s.Preemptions))
	counter(c.throttled, s.Throttled.Seconds())
	gauge(c.exclusive, float64(s.Exclusive))
	counter(c.excused, float64(s.AssistExcused))
	counter(c.assist, s.AssistTime.Seconds())
	counter(c.deferred, s.Deferred.Time.Seconds())
	s.Deferred.Each(func(reason string, n uint64) { counter(c.deferrals, float64(n), reason) })
	counter(c.calls, float64(s.Compute.Calls))
	counter(c.aside, s.Compute.Aside.Seconds())
	counter(c.rested, s.Compute.Rested.Seconds())
	for why, n := range map[string]uint64{"asleep": s.Compute.Asleep, "long": s.Compute.Long, "lost": s.Compute.Lost} {
		ch <- prometheus.MustNewConstMetric(c.givenBack, prometheus.CounterValue, float64(n), append(labels, why)...)
	}
	gauge(c.notInEffect, float64(len(s.NotInEffect)))

	buckets := map[float64]uint64{}
	seen := uint64(0)
	for i, n := range s.Wait.Counts {
		seen += n
		if i >= firstBucket && i < ggroup.WaitBuckets-1 {
			buckets[s.Wait.Bound(i).Seconds()] = seen
		}
	}
	ch <- prometheus.MustNewConstHistogram(c.wait, seen, s.Wait.Sum.Seconds(), buckets, labels...)
}

// firstBucket is the smallest bucket that is shown, 2^10 ns: nobody asks what
// waited for less than a microsecond.
const firstBucket = 10

func add(sum, s *ggroup.Stats) {
	sum.Goroutines += s.Goroutines
	sum.Created += s.Created
	sum.Running += s.Running
	sum.Preemptions += s.Preemptions
	sum.Throttled += s.Throttled
	sum.Exclusive += s.Exclusive
	sum.AssistExcused += s.AssistExcused
	sum.AssistPaid += s.AssistPaid
	sum.AssistTime += s.AssistTime
	sum.Deferred = sum.Deferred.Add(s.Deferred)
	sum.Compute.Calls += s.Compute.Calls
	sum.Compute.Aside += s.Compute.Aside
	sum.Compute.Rested += s.Compute.Rested
	sum.Compute.Asleep += s.Compute.Asleep
	sum.Compute.Long += s.Compute.Long
	sum.Compute.Lost += s.Compute.Lost
	sum.NotInEffect = append(sum.NotInEffect, s.NotInEffect...)
	sum.Wait.Sum += s.Wait.Sum
	for i, n := range s.Wait.Counts {
		sum.Wait.Counts[i] += n
	}
}
