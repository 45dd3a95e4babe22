/**
 * The option names that Cyrus knows, by type: releases 3.6 to 3.13, deprecated names included. They matter even where the option is
 * of no interest here, because duplicates, `sync_client_` prefixes and value checks apply to known names only (store 1.1).
 */
export type OptionType =
  | 'STRING'
  | 'SWITCH'
  | 'INT'
  | 'DURATION'
  | 'BYTESIZE'
  | 'ENUM'
  | 'STRINGLIST'
  | 'BITFIELD';

const NAMES: Readonly<Record<OptionType, string>> = {
  STRING: `
    addressbookprefix admins afspts_localrealms afspts_mycell altprefix annotation_callout
    annotation_db_path annotation_definitions aps_topic aps_topic_caldav aps_topic_carddav
    autocreate_acl autocreate_inbox_folders autocreate_sieve_compiled_script autocreate_sieve_folders
    autocreate_sieve_script autocreate_sieve_script_compiled autocreate_subscribe_folders
    autocreate_subscribe_sharedfolders autocreate_users autocreateinboxfolders autosievefolders
    autosubscribeinboxfolders autosubscribesharedfolders backup_db_path backup_staging_path
    caldav_alarm_db_path caldav_alarm_suppress_file caldav_maxdatetime caldav_mindatetime caldav_realm
    calendar_default_displayname calendar_user_address_set calendarprefix carddav_realm caringo_hostname
    client_bind_name commandmintimer configdirectory conversations_counted_flags cyrus_group cyrus_user
    dav_realm davdriveprefix davnotificationsprefix debug_command debug_writefail_guid defaultacl
    defaultdomain defaultpartition defaultsearchtier defaultserver deletedprefix deleteright
    duplicate_db_path event_exclude_flags event_exclude_specialuse event_notifier force_sasl_client_mech
    hostname_mechs hostname_password http_h2_altsvc http_jwt_key_dir httpallowcors httpallowedurls
    httpdocroot httplogheaders httppts_uri idlesocket imipnotifier implicit_owner_rights
    ischedule_dkim_domain ischedule_dkim_key_file ischedule_dkim_selector jmap_emailsearch_db_path
    jmap_imagesize_annot jmap_inlinedcids_annot jmap_preview_annot jmapaccess_url jmapnotificationfolder
    jmappushsubscriptionfolder jmapsubmissionfolder jmapuploadfolder ldap_authz ldap_base ldap_bind_dn
    ldap_ca_dir ldap_ca_file ldap_ciphers ldap_client_cert ldap_client_key ldap_domain_base_dn
    ldap_domain_filter ldap_domain_name_attribute ldap_domain_result_attribute ldap_filter
    ldap_group_base ldap_group_filter ldap_groupmember_attribute ldap_id ldap_mech ldap_member_attribute
    ldap_member_base ldap_member_filter ldap_password ldap_realm ldap_sasl_authc ldap_sasl_authz
    ldap_sasl_mech ldap_sasl_password ldap_sasl_realm ldap_servers ldap_tls_cacert_dir
    ldap_tls_cacert_file ldap_tls_cert ldap_tls_ciphers ldap_tls_key ldap_uri ldap_user_attribute
    lmtp_catchall_mailbox lmtp_exclude_specialuse lmtpsocket lock_debugtime loginrealms
    mailbox_initial_flags mailnotifier master_pid_file master_ready_file mboxlist_db_path
    mboxname_lockpath mboxname_userpath mupdate_authname mupdate_password mupdate_realm mupdate_server
    mupdate_username netscapeurl newsgroups newsmaster newspeer newspostuser newsprefix newsrc_db_path
    notesmailbox notify_external notifysocket object_storage_dummy_spool openio_account openio_namespace
    openio_verbosity partition_select_exclude plaintextloginalert postmaster postspec postuser proc_path
    prometheus_stats_dir proxy_authname proxy_password proxy_realm proxyservers ptloader_sock
    ptscache_db_path quota_db_path restore_authname restore_password restore_realm rss_feedlist_template
    rss_feeds rss_realm sasl_option sasl_pwcheck_method search_attachment_extractor_url
    search_index_skip_domains search_index_skip_users search_maxtime search_stopword_path sendmail
    sendmail_auth_id serverlist servername sharedprefix sieve_folder sieve_mdn_original_recipient_header
    sievedir sievenotifier smtp_auth_authname smtp_auth_password smtp_auth_realm smtp_host
    specialuse_extra specialuse_nochildren specialuse_protect sql_database sql_hostnames sql_passwd
    sql_user srs_domain srs_secrets srs_separator srvtab statuscache_db_path submitservers
    suppress_capabilities sync_authname sync_cache_db_path sync_host sync_log_channels
    sync_log_unsuppressable_channels sync_password sync_port sync_realm sync_rightnow_channel
    sync_shutdown_file syslog_facility syslog_prefix temp_path tls_ca_file tls_ca_path tls_cert_file
    tls_cipher_list tls_ciphers tls_client_ca_dir tls_client_ca_file tls_client_cert tls_client_key
    tls_crl_file tls_eccurve tls_key_file tls_server_ca_dir tls_server_ca_file tls_server_cert
    tls_server_dhparam tls_server_key tls_sessions_db_path tls_versions tlscache_db_path umask
    userdeny_db_path userprefix virusscan_notification_subject virusscan_notification_template
    webdav_attachments_baseurl xlist-flag zoneinfo_db_path zoneinfo_dir`,
  SWITCH: `
    acl_admin_implies_write admins_get_internal_seen allowallsubscribe allowanonymouslogin allowapop
    allowdeleted allownewnews allowplaintext allowsetacl allowspecialusesubfolder allowstarttls
    allowusermoves altnamespace annotation_allow_undefined annotation_callout_disable_append
    annotation_enable_legacy_commands anyoneuseracl anysievefolder archive_enabled archive_keepflagged
    auditlog autocreate_post autocreate_sieve_script_compile autocreate_subscribe_sharedfolders_all
    autoexpunge autosubscribe_all_sharedfolders backup_keep_previous caldav_accept_invalid_rrules
    caldav_allowattach caldav_allowcalendaradmin caldav_create_attach caldav_create_default
    caldav_create_sched calendar_suppress_duplicate_alarms carddav_allowaddmember
    carddav_allowaddressbookadmin carddav_repair_vcard chatty client_bind conversations
    conversations_keep_existing createonpost crossdomains crossdomains_onlyother cyrusdb_autoconvert
    debug debug_log_sync_partition_choice debug_slowio delete_unsubscribe disable_shared_namespace
    disable_user_namespace disconnect_on_vanished_mailbox duplicatesuppression expire_by_savedate
    expire_keep_flagged fastmailsharing fatals_abort flushseenstate foolstupidclients fulldirhash
    generate_compiled_sieve_script global_lock hashimapspool httpallowcompress httpallowtrace
    httpcontentmd5 httpprettytelemetry ignorereference imapidresponse imapmagicplus
    improved_mboxlist_sort iolog ischedule_dkim_required jmap_nonstandard_extensions
    jmap_set_has_attachment jmap_vacation jmapsubmission_deleteonsend ldap_referrals ldap_restart
    ldap_sasl ldap_start_tls ldap_tls_check_peer ldap_verify_peer literalminus lmtp_downcase_rcpt
    lmtp_fuzzy_mailbox_match lmtp_over_quota_perm_failure lmtp_preparse lmtp_strict_quota
    lmtp_strict_rfc2821 loginuseacl logtimestamps mailbox_legacy_dirs master_bind_errors_fatal munge8bit
    object_storage_enabled openio_autocreate popsubfolders popuseacl popuseimapflags prometheus_enabled
    proxy_compress proxyd_allow_status_referral proxyd_disable_mailbox_referrals ptskrb5_convert524
    ptskrb5_strip_default_realm quota_use_conversations readonly reject8bit replicaonly reverseacls
    reverseuniqueids rfc2046_strict rfc2047_utf8 rfc3028_strict sasl_auto_transition search_fuzzy_always
    search_index_headers search_index_language search_index_parts search_query_language
    search_skipdiacrit search_skiphtml sieve_allowreferrals sieve_mdn_private
    sieve_sasl_send_unsolicited_capability sieve_use_lmtp_reject sieve_utf8fileinto sieveusehomedir
    singleinstancestore skiplist_always_checkpoint skiplist_unsafe soft_noauth specialusealways
    sql_usessl srs_alwaysrewrite statuscache sync_log sync_log_chain sync_try_imap tcp_keepalive
    telemetry_bysessionid tls_prefer_server_ciphers tls_required unix_group_enable unixhierarchysep
    username_tolower xbackup_enabled`,
  INT: `
    autocreate_quota_messages autocreatequotamsg backup_compact_work_threshold boundary_limit
    caringo_port conversations_max_guidexists conversations_max_guidinfolder
    conversations_max_guidrecords conversations_max_thread jmap_max_calendareventnotifs
    jmap_max_calls_in_request jmap_max_catenate_items jmap_max_concurrent_requests
    jmap_max_concurrent_upload jmap_max_objects_in_get jmap_max_objects_in_set ldap_size_limit
    ldap_version mailbox_default_options mailbox_maxmessages_addressbook mailbox_maxmessages_calendar
    mailbox_maxmessages_email maxheaderlines maxlogins_per_host maxlogins_per_user
    mupdate_connections_max mupdate_port mupdate_retry_delay mupdate_workers_max
    mupdate_workers_maxspare mupdate_workers_minspare mupdate_workers_start
    partition_select_soft_usage_limit partition_select_usage_reinit poppollpadding quotawarn
    quotawarnmsg quotawarnpercent rss_maxitems rss_maxsynopsis sasl_maximum_layer sasl_minimum_layer
    search_batchsize search_normalisation_max search_queryscan search_snippet_length
    serverlist_select_soft_usage_limit serverlist_select_usage_reinit sieve_maxscripts srs_hashlength
    sync_batchsize tcp_keepalive_cnt uidbatches_max_messages uidbatches_min_batch`,
  DURATION: `
    aps_expiry archive_after archive_days backup_retention backup_retention_days caldav_historical_age
    calendar_minimum_alarm_interval client_timeout conversations_expire_after conversations_expire_days
    dav_lock_timeout failedloginpause http_jwt_max_age httpkeepalive httptimeout
    imap_inprogress_interval imapidlepoll imapidletimeout jmap_max_delayed_send jmap_pushpoll
    jmap_querycache_max_age ldap_time_limit ldap_timeout lmtptxn_timeout nntptimeout
    openio_proxy_timeout openio_rawx_timeout plaintextloginpause popexpiretime popminpoll poptimeout
    prometheus_master_update_freq prometheus_service_update_freq prometheus_update_freq
    prometheus_usage_update_freq ptscache_timeout rss_maxage search_attachment_extractor_idle_timeout
    search_attachment_extractor_request_timeout sieve_duplicate_max_expiration
    sieve_vacation_max_response sieve_vacation_min_response sync_reconnect_maxwait sync_repeat_interval
    sync_timeout tcp_keepalive_idle tcp_keepalive_intvl timeout tls_session_timeout websocket_timeout`,
  BYTESIZE: `
    archive_maxsize autocreate_quota autocreatequota backup_compact_maxsize backup_compact_minsize
    event_content_size icalendar_max_size jmap_mail_max_size_attachments_per_email
    jmap_max_size_blob_set jmap_max_size_request jmap_max_size_upload jmap_preview_length maxargssize
    maxliteral maxmessagesize maxquoted maxword quotawarnkb quotawarnsize search_maxsize
    sieve_maxscriptsize vcard_max_size webdav_attachments_max_binary_attach_size`,
  ENUM: `
    caldav_allowscheduling delete_mode event_content_inclusion_mode expunge_mode mupdate_config
    qosmarking search_engine search_whitespace serverinfo tls_client_certs uidl_format virtdomains`,
  STRINGLIST: `
    annotation_db auth_mech backup_db conversations_db duplicate_db ldap_deref ldap_domain_scope
    ldap_group_scope ldap_member_method ldap_member_scope ldap_scope mboxkey_db mboxlist_db
    partition_select_mode prometheus_need_auth pts_module ptscache_db quota_db search_indexed_db
    seenstate_db serverlist_select_mode smtp_backend sortcache_db sql_engine statuscache_db
    subscription_db sync_cache_db tls_sessions_db tlscache_db userdeny_db zoneinfo_db`,
  BITFIELD: `
    caldav_alarm_support_components calendar_component_set event_extra_params event_groups httpmodules
    metapartition_files newsaddheaders sieve_extensions`,
};

const TYPES = Object.keys(NAMES) as OptionType[];

/** No list has a name that is made of other characters. */
const NAME = /^[a-z0-9_]+$/;
const BLANK = /\s/;

/**
 * The type of an option, by its name in lower case; undefined if Cyrus knows none of that name. The lists are searched as they
 * are: to make a table of them would take a small run longer than all that it looks up.
 */
export function knownType(name: string): OptionType | undefined {
  return NAME.test(name) ? TYPES.find((type) => isListed(name, NAMES[type])) : undefined;
}

function isListed(name: string, names: string): boolean {
  for (let at = names.indexOf(name); at >= 0; at = names.indexOf(name, at + 1)) {
    const end = at + name.length;
    if (BLANK.test(names.charAt(at - 1)) && (end === names.length || BLANK.test(names.charAt(end))))
      return true;
  }
  return false;
}
