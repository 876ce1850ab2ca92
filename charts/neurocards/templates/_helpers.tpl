{{- define "neurocards.fullname" -}}
{{- if contains "neurocards" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-neurocards" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "neurocards.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "neurocards.selector" -}}
app.kubernetes.io/name: neurocards
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "neurocards.labels" -}}
{{ include "neurocards.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* What the restricted Pod Security Standard asks of a pod, and what it does not ask but we keep. */}}
{{- define "neurocards.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "neurocards.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* One environment variable from a key of a Secret that exists already. */}}
{{- define "neurocards.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{- define "neurocards.claim" -}}
{{- .Values.storage.existingClaim | default (printf "%s-storage" (include "neurocards.fullname" .)) }}
{{- end }}

{{- define "neurocards.jobsClaim" -}}
{{- .Values.storage.jobsExistingClaim | default (printf "%s-storage" (include "neurocards.fullname" .)) }}
{{- end }}

{{- define "neurocards.account" -}}
system:serviceaccount:{{ .root.Release.Namespace }}:{{ include "neurocards.fullname" .root }}-{{ .component }}
{{- end }}

{{/* Alive is the process itself; ready is all it needs. A start may wait for PostgreSQL. */}}
{{- define "neurocards.probes" -}}
livenessProbe:
  httpGet: { path: /livez, port: http }
  periodSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: http }
  # It listens after a second or two; asked before, it would be reported as unhealthy at every start.
  initialDelaySeconds: 3
  periodSeconds: 5
  timeoutSeconds: 4
{{- end }}
