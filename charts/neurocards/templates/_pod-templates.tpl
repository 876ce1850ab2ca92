{{/* The pod of one stage's Job. The controller adds the command, labels, order, uid and execution. */}}
{{- define "neurocards.podTemplate" -}}
{{- $values := index .root.Values.runner .stage -}}
metadata:
  labels:
    {{- include "neurocards.selector" (dict "root" .root "component" "runner") | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ include "neurocards.fullname" .root }}-runner
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 90
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "neurocards.podSecurity" .root | nindent 4 }}
  {{- with .root.Values.runner.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.runner.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  tolerations:
    {{- /* A lost node's work begins again elsewhere after seconds, not after the five minutes of the default. */}}
    - { key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 30 }
    - { key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 30 }
    {{- with .root.Values.runner.tolerations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  containers:
    - name: runner
      image: {{ include "neurocards.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      env:
        - name: NEUROCARDS_LOG_LEVEL
          value: {{ .root.Values.logLevel }}
        - name: NEUROCARDS_STORAGE_DIRECTORY
          value: /storage
        {{- include "neurocards.secretEnv" (dict "name" "NEUROCARDS_DATABASE_URL" "secret" .root.Values.database.jobsExistingSecret "key" .root.Values.database.keys.runner) | nindent 8 }}
        {{- if eq .stage "generate" }}
        {{- include "neurocards.secretEnv" (dict "name" "NEUROCARDS_KIE_API_KEY" "secret" .root.Values.provider.existingSecret "key" .root.Values.provider.apiKeyKey) | nindent 8 }}
        - name: NEUROCARDS_KIE_BASE_URL
          value: {{ .root.Values.provider.baseUrl }}
        - name: NEUROCARDS_KIE_UPLOAD_URL
          value: {{ .root.Values.provider.uploadUrl }}
        {{- include "neurocards.secretEnv" (dict "name" "NEUROCARDS_PROMPTER_API_KEY" "secret" .root.Values.prompter.existingSecret "key" .root.Values.prompter.apiKeyKey) | nindent 8 }}
        - name: NEUROCARDS_PROMPTER_BASE_URL
          value: {{ .root.Values.prompter.baseUrl }}
        {{- with .root.Values.prompter.model }}
        - name: NEUROCARDS_PROMPTER_MODEL
          value: {{ . }}
        {{- end }}
        {{- with .root.Values.bot.publicUrl }}
        - name: NEUROCARDS_PUBLIC_URL
          value: {{ . }}
        {{- end }}
        {{- else }}
        {{- include "neurocards.secretEnv" (dict "name" "NEUROCARDS_TELEGRAM_BOT_TOKEN" "secret" .root.Values.telegram.existingSecret "key" .root.Values.telegram.tokenKey) | nindent 8 }}
        - name: NEUROCARDS_TELEGRAM_API_ROOT
          value: {{ .root.Values.telegram.apiRoot }}
        {{- end }}
        {{- with .root.Values.runner.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        {{- include "neurocards.containerSecurity" .root | nindent 8 }}
      volumeMounts:
        - name: storage
          mountPath: /storage
          {{- if eq .stage "deliver" }}
          readOnly: true
          {{- end }}
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: storage
      persistentVolumeClaim:
        claimName: {{ include "neurocards.jobsClaim" .root }}
    - name: tmp
      emptyDir: {}
{{- end }}
