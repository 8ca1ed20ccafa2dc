// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/termtext"
)

// progress is a line at the bottom of a terminal that says what runs, while
// something is waited for.
type progress struct {
	width   func() int            // of the terminal, in columns; nil: there is none
	running func() []desk.Running // nil: nothing

	ran    int    // hooks
	doing  string // what is waited for; empty: nothing
	frame  int
	drawn  bool
	cancel func() // ends the drawing
}

// frameTime is how long a picture of the progress stands, at least.
const frameTime = 100 * time.Millisecond

// spinner turns as long as something is waited for.
var spinner = [...]string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// erase removes the line.
func (p *progress) erase(out io.Writer) {
	if p.drawn {
		_, _ = io.WriteString(out, "\r\x1b[K")
		p.drawn = false
	}
}

// busy shows the progress until idle.
func (v *view) busy(doing string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.progress.doing = doing
	if v.progress.width == nil || v.progress.cancel != nil {
		return
	}
	ticker := time.NewTicker(frameTime)
	ended := make(chan struct{})
	v.progress.cancel = func() { ticker.Stop(); close(ended) }
	go func() {
		for {
			select {
			case <-ticker.C:
				v.draw()
			case <-ended:
				return
			}
		}
	}()
}

func (v *view) idle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.flush()
	v.progress.doing = ""
	if v.progress.cancel != nil {
		v.progress.cancel()
		v.progress.cancel = nil
	}
	v.progress.erase(v.out)
}

// draw draws the line anew.
func (v *view) draw() {
	var running []desk.Running
	if v.progress.running != nil {
		running = v.progress.running()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	p := &v.progress
	if p.doing == "" || v.above != nil {
		return
	}
	p.frame++
	text := termtext.Fit(spinner[p.frame%len(spinner)]+" "+p.text(running), p.width()-1)
	_, _ = io.WriteString(v.out, "\r"+text+"\x1b[K")
	p.drawn = true
}

// text says what runs.
func (p *progress) text(running []desk.Running) string {
	if p.ran == 0 && len(running) == 0 {
		return termtext.Clean(p.doing, valueLimit)
	}
	var parts []string
	if p.ran > 0 {
		parts = append(parts, count(p.ran, "hook")+" ran")
	}
	for i, r := range running {
		text := termtext.Clean(r.Unit, valueLimit) + " " + termtext.Clean(r.Hook, valueLimit) + " " + duration(r.For.Seconds())
		if i == 0 {
			text = "running: " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
