// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/termtext"
)

// appNames are the names of an application that can be completed, sorted.
type appNames struct {
	name      string
	units     []string
	endpoints []string
	actions   []string
	options   []string // of its config
}

// completer completes the lines of a prompt.
type completer struct {
	apps  func() []appNames
	files func(dir string) []os.DirEntry // nil: there is no such directory
}

// complete completes the word before pos, a byte of line. If there are several
// candidates, it goes as far as they agree, and returns them if that is nowhere.
func (c completer) complete(line string, pos int) (newLine string, newPos int, candidates []string) {
	before := line[:pos]
	start := strings.LastIndexAny(before, " \t") + 1
	word := before[start:]
	for _, candidate := range c.candidates(strings.Fields(before[:start]), word) {
		if strings.HasPrefix(candidate, word) && !strings.ContainsAny(candidate, " \t\"'\\#") {
			candidates = append(candidates, candidate)
		}
	}
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	if len(candidates) == 0 {
		return line, pos, nil
	}
	common := commonPrefix(candidates)
	switch {
	case len(candidates) > 1 && common == word:
		for i, candidate := range candidates {
			candidates[i] = termtext.Clean(candidate, valueLimit)
		}
		return line, pos, candidates
	case len(candidates) == 1 && !strings.HasSuffix(common, "=") && !strings.HasSuffix(common, "/"):
		common += " "
	}
	newLine = before[:start] + common
	return newLine + strings.TrimPrefix(line[pos:], " "), len(newLine), nil
}

func commonPrefix(words []string) string {
	prefix := words[0]
	for _, word := range words[1:] {
		for !strings.HasPrefix(word, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return strings.ToValidUTF8(prefix, "")
}

// candidates returns what a word can be after others; it may return more.
func (c completer) candidates(words []string, word string) []string {
	if len(words) == 0 {
		return append(desk.VerbNames(), "help", "quit")
	}
	kinds := argumentsOf(words[0])
	args := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return strings.HasPrefix(w, "-") })
	if len(kinds) == 0 {
		return nil
	}
	var candidates []string
	for _, kind := range kinds[min(len(args), len(kinds)-1)] {
		candidates = append(candidates, c.ofKind(kind, args, word)...)
	}
	return candidates
}

// kind is what an argument of a script line can be.
type kind int

const (
	anApp kind = iota
	aUnit
	anEndpoint
	anAction
	anOption
	aStatus
	aCharm
	noRetry
	nothing
)

// argumentsOf returns what the arguments of a command can be, one after the
// other; the last stands for all that follow.
func argumentsOf(verb string) [][]kind {
	switch verb {
	case "deploy":
		return [][]kind{{aCharm}, {nothing}}
	case "add-unit", "refresh", "update-status":
		return [][]kind{{anApp}, {nothing}}
	case "remove-application":
		return [][]kind{{anApp}}
	case "config":
		return [][]kind{{anApp}, {anOption}}
	case "integrate", "remove-relation":
		return [][]kind{{anApp, anEndpoint}, {anApp, anEndpoint}, {nothing}}
	case "remove-unit":
		return [][]kind{{aUnit}}
	case "show-unit", "debug-log", "set-leader", "kill-agent", "exec":
		return [][]kind{{aUnit}, {nothing}}
	case "resolve":
		return [][]kind{{aUnit}, {noRetry}}
	case "run":
		return [][]kind{{aUnit}, {anAction}, {nothing}}
	case "expect":
		return [][]kind{{anApp, aUnit}, {aStatus}, {nothing}}
	}
	return nil
}

func (c completer) ofKind(k kind, args []string, word string) []string {
	switch k {
	case aCharm:
		return c.charms(word)
	case aStatus:
		return []string{"active", "blocked", "error", "maintenance", "terminated", "unknown", "waiting"}
	case noRetry:
		return []string{"--no-retry"}
	case nothing:
		return nil
	}
	var names []string
	for _, app := range c.apps() {
		mine := len(args) > 0 && app.name == strings.Split(args[0], "/")[0]
		switch {
		case k == anApp:
			names = append(names, app.name)
		case k == aUnit:
			names = append(names, app.units...)
			if len(app.units) > 0 {
				names = append(names, app.name+"/leader")
			}
		case k == anEndpoint && strings.HasPrefix(word, app.name+":"):
			for _, endpoint := range app.endpoints {
				names = append(names, app.name+":"+endpoint)
			}
		case k == anAction && mine:
			names = append(names, app.actions...)
		case k == anOption && mine:
			for _, option := range app.options {
				names = append(names, option+"=")
			}
		}
	}
	return names
}

// charms returns the directories, charms and bundles that a path can become.
func (c completer) charms(word string) []string {
	dir, _ := filepath.Split(word)
	at := dir
	if at == "" {
		at = "."
	}
	var names []string
	for _, entry := range c.files(at) {
		name := entry.Name()
		switch {
		case strings.HasPrefix(name, ".") && !strings.HasPrefix(word[len(dir):], "."):
		case entry.IsDir():
			names = append(names, dir+name+"/")
		case strings.HasSuffix(name, ".charm"), strings.HasSuffix(name, ".yaml"), strings.HasSuffix(name, ".yml"):
			names = append(names, dir+name)
		}
	}
	return names
}
