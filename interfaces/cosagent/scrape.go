// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ScrapeJob is what an agent scrapes: some targets on its machine, with one path.
//
// The agent adds the labels juju_model, juju_model_uuid, juju_application and
// juju_unit to what it scrapes.
type ScrapeJob struct {
	// Name tells jobs apart, as part of the label job: "APPLICATION_NAME_HASH", with
	// a hash of all that the job says. Default "default".
	Name string
	// Port is one of this machine: the target "localhost:PORT".
	Port int
	// Targets are more of them, "HOST:PORT".
	Targets []string
	Path    string // default "/metrics"
	Scheme  string // "http", the agent's default, or "https"
	// Interval and Timeout are in whole milliseconds. Default: the agent's.
	Interval, Timeout time.Duration
	Labels            map[string]string // of all that is scraped
	// Extra is what else a scrape_config of Prometheus can have, such as
	// "tls_config" or "metric_relabel_configs": JSON values. Secrets in it can be
	// read by all who may read the databag.
	Extra map[string]any
}

// check returns what is wrong with the job.
func (j ScrapeJob) check() error {
	switch {
	case !utf8.ValidString(j.Name) || strings.ContainsFunc(j.Name, isControl):
		return fmt.Errorf("the name %q has control characters or is not valid UTF-8", j.Name)
	case j.Port < 0 || j.Port > 65535:
		return fmt.Errorf("port %d is not from 1 to 65535", j.Port)
	case j.Port == 0 && len(j.Targets) == 0 && j.Extra == nil:
		return errors.New("there is neither a port nor a target")
	case j.Port == 0 && len(j.Targets) == 0 && len(j.Labels) > 0:
		return errors.New("the labels are of Port and Targets, and there are none")
	case j.Path != "" && !strings.HasPrefix(j.Path, "/") || !isPrintable(j.Path):
		return fmt.Errorf("the path %q does not begin with / or has spaces", j.Path)
	case j.Scheme != "" && j.Scheme != "http" && j.Scheme != "https":
		return fmt.Errorf("the scheme %q is neither \"http\" nor \"https\"", j.Scheme)
	}
	for _, target := range j.Targets {
		if !isTarget(target) {
			return fmt.Errorf("the target %q is not of the form \"HOST:PORT\"", target)
		}
	}
	for _, d := range []time.Duration{j.Interval, j.Timeout} {
		if d < 0 || d%time.Millisecond != 0 {
			return fmt.Errorf("%s is not a positive number of milliseconds", d)
		}
	}
	for key := range j.Extra {
		if key == "job_name" || j.own()[key] != nil {
			return fmt.Errorf("the key %q of Extra is a field of ScrapeJob", key)
		}
	}
	return checkLabels(j.Labels)
}

// own returns what the fields say, without Extra.
func (j ScrapeJob) own() map[string]any {
	path := j.Path
	if path == "" {
		path = "/metrics"
	}
	job := map[string]any{"metrics_path": path}
	targets := slices.Clone(j.Targets)
	if j.Port != 0 {
		targets = slices.Insert(targets, 0, "localhost:"+strconv.Itoa(j.Port))
	}
	if len(targets) > 0 {
		static := map[string]any{"targets": targets}
		if len(j.Labels) > 0 {
			static["labels"] = j.Labels
		}
		job["static_configs"] = []any{static}
	}
	if j.Scheme != "" {
		job["scheme"] = j.Scheme
	}
	if j.Interval != 0 {
		job["scrape_interval"] = duration(j.Interval)
	}
	if j.Timeout != 0 {
		job["scrape_timeout"] = duration(j.Timeout)
	}
	return job
}

// duration returns d as Prometheus writes it.
func duration(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(int64(d/time.Millisecond), 10) + "ms"
}

// scrapeJobs returns the jobs as they are sent, by name. Of equal ones there is one.
func scrapeJobs(jobs []ScrapeJob, application string) ([]map[string]any, error) {
	byName := make(map[string]map[string]any)
	for _, j := range jobs {
		if err := j.check(); err != nil {
			return nil, fmt.Errorf("job %q: %w", j.Name, err)
		}
		job := j.own()
		maps.Copy(job, j.Extra)
		hash, err := jobHash(job)
		if err != nil {
			return nil, fmt.Errorf("job %q: Extra: %w", j.Name, err)
		}
		name := j.Name
		if name == "" {
			name = "default"
		}
		name = application + "_" + name + "_" + hash
		job["job_name"] = name
		byName[name] = job
	}
	sent := make([]map[string]any, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		sent = append(sent, byName[name])
	}
	return sent, nil
}

// isTarget reports whether s is "HOST:PORT", where the host can be an address of
// IPv6 in brackets.
func isTarget(s string) bool {
	i := strings.LastIndexByte(s, ':')
	if i < 1 {
		return false
	}
	host, port := s[:i], s[i+1:]
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !isPrintable(host) || strings.ContainsAny(host, "/@?#") {
		return false
	}
	inBrackets := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") && len(host) > 2
	return inBrackets || !strings.ContainsAny(host, ":[]")
}

// isPrintable reports whether s is of printable ASCII without spaces.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }
