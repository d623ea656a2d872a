// SPDX-License-Identifier: MIT
// big.go - big: 120 goroutines, each of which pings another, drawn anew each time, and awaits its pong, N times
//
// One channel in for each, with room for all that can come at once: a ping from everybody and the pong.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

const actors = 120

type message struct {
	from   chan message // of a ping: where the pong goes; nil: a pong
	number int64
}

type pinger struct {
	in                           chan message
	random, left, pinged, ponged int64
}

func (p *pinger) ping(all []pinger, finished *sync.WaitGroup) {
	if p.left == 0 {
		p.left--
		finished.Done()
		return
	}
	p.left--
	p.random = (p.random*1103515 + 12345) & 0x7fffffff
	all[(p.random>>8)%actors].in <- message{p.in, p.left}
}

func (p *pinger) run(all []pinger, finished, ended *sync.WaitGroup) {
	p.ping(all, finished)
	for m := range p.in {
		if m.from != nil {
			p.pinged++
			m.from <- message{nil, m.number}
			continue
		}
		if m.number == p.left {
			p.ponged++
		}
		p.ping(all, finished)
	}
	ended.Done()
}

func main() {
	n := int64(20000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	var finished, ended sync.WaitGroup
	finished.Add(actors)
	ended.Add(actors)
	all := make([]pinger, actors)
	for i := range all {
		all[i] = pinger{in: make(chan message, actors+1), random: int64(i), left: n}
	}
	start := time.Now()
	for i := range all {
		go all[i].run(all, &finished, &ended)
	}
	finished.Wait()
	spent := time.Since(start)
	check := int64(0)
	for i := range all {
		close(all[i].in)
	}
	ended.Wait()
	for i := range all {
		check += all[i].pinged + all[i].ponged
	}
	fmt.Printf("big %.3f ns %d\n", float64(spent.Nanoseconds())/float64(n*actors), check)
}
