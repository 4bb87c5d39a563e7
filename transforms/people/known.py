"""Names in addresses that stand for a function and not a person, and domains of mailboxes made to be thrown away."""

_SERVICES = """
info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster www uucp ftp
"""
"""RFC 2142: names that a domain's business, network and services are reached by."""

_REFUSED = """
admin billing compliance devnull dns inoc ispfeedback ispsupport list list-request maildaemon mailer-daemon no-reply
noreply null phish phishing privacy registrar root spam sysadmin tech undisclosed-recipients unsubscribe subscribe
nobody spamtrap domains dnsadmin ops operations
"""
"""What mail providers don't take in imports: of Mailchimp's and GetResponse's help on role-based addresses."""

_OFFICES = """
accounting accounts administrator all careers contact contact-us customerservice enquiries everyone feedback finance
hello help helpdesk hr inquiries it jobs kontakt legal mail media office orders payments press recruiting request
reservations sekretariat service shop staff team users webadmin
"""
"""What shops and offices call the mailboxes that they share."""

_THROWN_AWAY = """
0-mail.com 10minutemail.co.uk 10minutemail.com 10minutemail.net 1secmail.com 1secmail.net 1secmail.org
20minutemail.com 33mail.com anonbox.net anonymbox.com armyspy.com binkmail.com boun.cr burnermail.io byom.de
cuvox.de dayrep.com deadaddress.com despammed.com discard.email discardmail.com discardmail.de dispostable.com
dropmail.me einrot.com emailfake.com emailondeck.com emltmp.com fakeinbox.com fakemail.net filzmail.com fleckens.hu
getairmail.com getnada.com grr.la guerrillamail.biz guerrillamail.com guerrillamail.de guerrillamail.info
guerrillamail.net guerrillamail.org guerrillamailblock.com gustr.com harakirimail.com incognitomail.org
inboxkitten.com jetable.org jourrapide.com kasmail.com linshiyouxiang.net luxusmail.org mailcatch.com maildrop.cc
mailexpire.com mailinator.com mailinator.net mailinator2.com mailmoat.com mailnesia.com mailnull.com mailpoof.com
mailsac.com mailtemp.info meltmail.com mintemail.com moakt.com moakt.cc mohmal.com mytemp.email mytrashmail.com
nada.email nowmymail.com objectmail.com pokemail.net rhyta.com sharklasers.com sneakemail.com sogetthis.com spam4.me
spambog.com spambox.us spamgourmet.com spamherelots.com superrito.com teleworm.us temp-mail.io temp-mail.org
tempail.com tempinbox.com tempmail.com tempmail.dev tempmail.net tempmailo.com tempr.email throwaway.email
throwawaymail.com trash-mail.com trashmail.com trashmail.de trashmail.net trashmail.org trbvm.com wegwerfmail.de
wegwerfmail.net wegwerfmail.org yopmail.com yopmail.fr yopmail.net zetmail.com
"""
"""A choice of the services that people use most, of the list that github.com/disposable-email-domains keeps (CC0)."""

ROLES = frozenset(f"{_SERVICES} {_REFUSED} {_OFFICES}".split())
"""The part of an address before the `@`, in lower case and without what follows a `+`."""

DISPOSABLE = frozenset(_THROWN_AWAY.split())
"""Each stands for its subdomains too. New ones come every day: a list of one's own goes beside."""
